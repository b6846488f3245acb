//! The text of workerd's configuration file.
//! <https://github.com/cloudflare/workerd/blob/main/src/workerd/server/workerd.capnp>

use std::fmt::Write;

use super::{bundle::Module, bundle::ModuleKind, config::Config};

/// The service that holds the Durable Objects' storage.
pub const DISK: &str = "disk";
/// The socket the worker answers on.
pub const SOCKET: &str = "http";

/// The configuration as Cap'n Proto text. Modules are embedded by the names they have beside the file.
pub fn render(config: &Config, modules: &[Module], port: u16, disk: &str) -> String {
    let modules = lines(modules.iter().map(|module| {
        let kind = match module.kind {
            ModuleKind::Script => "esModule",
            ModuleKind::Wasm => "wasm",
        };
        format!("(name = {0}, {kind} = embed {1})", quote(&module.name), quote(&module.file))
    }));
    let mut bindings: Vec<String> = config
        .vars
        .iter()
        .map(|(name, value)| format!("(name = {}, text = {})", quote(name), quote(value)))
        .collect();
    bindings.extend(config.objects.iter().map(|object| {
        format!("(name = {}, durableObjectNamespace = {})", quote(&object.binding), quote(&object.class))
    }));
    bindings.extend(
        config
            .json
            .iter()
            .map(|(name, value)| format!("(name = {}, json = {})", quote(name), quote(&value.to_string()))),
    );
    // The key names the folder of a class's objects: it must not change, or their state is lost.
    let namespaces =
        lines(config.objects.iter().map(|object| {
            format!("(className = {0}, uniqueKey = {0}, enableSql = true)", quote(&object.class))
        }));
    let v8_flags = lines(config.v8_flags.iter().map(|flag| quote(flag)));
    let flags = lines(config.compatibility_flags.iter().map(|flag| quote(flag)));
    let (date, bindings) = (quote(&config.compatibility_date), lines(bindings.into_iter()));
    format!(
        "using Workerd = import \"/workerd/workerd.capnp\";

const config :Workerd.Config = (
  services = [
    (name = \"worker\", worker = .worker),
    (name = \"internet\", network = (allow = [\"public\", \"private\"], tlsOptions = (trustBrowserCas = true))),
    (name = \"{DISK}\", disk = (path = {disk}, writable = true)),
  ],
  sockets = [(name = \"{SOCKET}\", address = \"127.0.0.1:{port}\", http = (), service = \"worker\")],
  v8Flags = {v8_flags},
);

const worker :Workerd.Worker = (
  modules = {modules},
  compatibilityDate = {date},
  compatibilityFlags = {flags},
  bindings = {bindings},
  durableObjectNamespaces = {namespaces},
  durableObjectStorage = (localDisk = \"{DISK}\"),
  globalOutbound = \"internet\",
);
",
        disk = quote(disk),
    )
}

fn lines(items: impl Iterator<Item = String>) -> String {
    let mut text = String::from("[");
    for item in items {
        text.push_str("\n    ");
        text.push_str(&item);
        text.push(',');
    }
    text.push(']');
    text
}

/// A Cap'n Proto string. Bytes beyond ASCII pass as they are.
fn quote(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            other if other.is_ascii_control() => {
                let _ = write!(quoted, "\\x{:02x}", u32::from(other));
            }
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::quote;

    #[test]
    fn a_value_cannot_leave_its_quotes() {
        assert_eq!(quote("a\"b\\c\nd\te\u{1}ä"), r#""a\"b\\c\nd\x09e\x01ä""#);
    }
}
