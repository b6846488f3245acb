//! The built worker: one folder of ES modules and wasm.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::WorkerdError;

/// Names the main module may have, the first found wins; a sole script needs none of them.
const MAIN_NAMES: &[&str] =
    &["entry.js", "index.js", "worker.js", "shim.js", "entry.mjs", "index.mjs", "shim.mjs"];

/// One file of the bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Module {
    /// What other modules import it as: its path within the bundle.
    pub name: String,
    /// The copy beside the configuration file.
    pub file: String,
    /// How workerd reads it.
    pub kind: ModuleKind,
}

/// How workerd reads a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModuleKind {
    /// `*.js`, `*.mjs`
    Script,
    /// `*.wasm`
    Wasm,
}

/// Copies the bundle's modules into a folder (a later build does not change what runs) and lists them, the main one
/// first.
///
/// # Errors
/// [`WorkerdError::Bundle`] when the folder cannot be read or has no main module.
pub fn copy(bundle: &Path, into: &Path) -> Result<Vec<Module>, WorkerdError> {
    let failed = |cause: String| WorkerdError::Bundle { folder: bundle.display().to_string(), cause };
    let files = files_under(bundle).map_err(|cause| failed(cause.to_string()))?;
    let mut modules = Vec::new();
    for path in files {
        let kind = match path.extension().and_then(|extension| extension.to_str()) {
            Some("js" | "mjs") => ModuleKind::Script,
            Some("wasm") => ModuleKind::Wasm,
            _ => continue,
        };
        let name = path.strip_prefix(bundle).unwrap_or(&path).to_string_lossy().replace('\\', "/");
        let file = format!("module-{}", modules.len());
        fs::copy(&path, into.join(&file)).map_err(|cause| failed(format!("{name}: {cause}")))?;
        modules.push(Module { name, file, kind });
    }
    let main =
        main_of(&modules).ok_or_else(|| failed(format!("it has none of {}", MAIN_NAMES.join(", "))))?;
    modules.swap(0, main);
    Ok(modules)
}

fn main_of(modules: &[Module]) -> Option<usize> {
    let named = MAIN_NAMES.iter().find_map(|name| modules.iter().position(|module| module.name == *name));
    let mut scripts = modules.iter().enumerate().filter(|(_, module)| module.kind == ModuleKind::Script);
    match (named, scripts.next(), scripts.next()) {
        (Some(index), _, _) | (None, Some((index, _)), None) => Some(index),
        _ => None,
    }
}

fn files_under(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() { files.extend(files_under(&path)?) } else { files.push(path) }
    }
    files.sort();
    Ok(files)
}
