//! Shell commands in documents and workflows: taken apart, and checked without running them.
#![allow(dead_code)]

use std::{
    fs,
    io::Write,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Stdio},
};

use crate::common::project;

/// Whether bash can read it, and each `ops`, npm script and file of the project in it exists with its options.
pub fn check(script: &str) -> Result<(), String> {
    let mut bash = Command::new("bash");
    let mut bash = bash.arg("-n").stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    bash.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    let output = bash.wait_with_output().unwrap();
    if !output.status.success() {
        return Err(format!("bash: {}", String::from_utf8_lossy(&output.stderr)));
    }
    commands(script).iter().try_for_each(|words| known(words))
}

/// The words of each simple command. Good enough for documents: no here-documents, no nested substitutions.
pub fn commands(script: &str) -> Vec<Vec<String>> {
    let (mut all, mut words, mut word) = (Vec::new(), Vec::new(), None::<String>);
    let end_word = |word: &mut Option<String>, words: &mut Vec<String>| words.extend(word.take());
    let mut chars = script.chars().peekable();
    let mut quote = None;
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (Some(_), _) => word.get_or_insert_default().push(c),
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, '\\') => match chars.next() {
                Some('\n') | None => {}
                Some(next) => word.get_or_insert_default().push(next),
            },
            (None, '#') if word.is_none() => while chars.next_if(|next| *next != '\n').is_some() {},
            // `${NAME:+WORD}` counts as given, for its options to be looked at; other `${…}` may hold anything.
            (None, '$') if chars.peek() == Some(&'{') => {
                let inside: String = chars.by_ref().skip(1).take_while(|inner| *inner != '}').collect();
                let given = inside.split_once(":+").map(|(_, given)| given.replace('"', ""));
                word.get_or_insert_default().push_str(&given.unwrap_or(format!("${inside}")));
            }
            (None, '\n' | '|' | '&' | ';' | '(' | ')' | '`') => {
                end_word(&mut word, &mut words);
                all.push(std::mem::take(&mut words));
            }
            (None, '<' | '>') => {
                // A redirection is no word of the command, nor is its file.
                if word.as_ref().is_some_and(|word| word.bytes().all(|byte| byte.is_ascii_digit())) {
                    word = None;
                }
                end_word(&mut word, &mut words);
                while chars.next_if(|next| matches!(next, ' ' | '<' | '>' | '&')).is_some() {}
                while chars.next_if(|next| !next.is_whitespace() && !";|&)".contains(*next)).is_some() {}
            }
            (None, _) if c.is_whitespace() => end_word(&mut word, &mut words),
            (None, _) => word.get_or_insert_default().push(c),
        }
    }
    end_word(&mut word, &mut words);
    all.push(words);
    all.retain(|words| !words.is_empty());
    all
}

/// A command's own words, without what stands before it: `X=1`, `if`, `!`, `sudo`.
fn bare(words: &[String]) -> &[String] {
    let skipped = |word: &&String| {
        ["if", "then", "else", "do", "while", "until", "!", "{", "time"].contains(&word.as_str())
            || word.split_once('=').is_some_and(|(name, _)| {
                !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            })
    };
    &words[words.iter().take_while(skipped).count()..]
}

/// The arguments for `ops`, when that is what is run.
pub fn ops_arguments(words: &[String]) -> Option<&[String]> {
    let words = bare(words);
    match words.first()?.as_str() {
        "ops" => Some(&words[1..]),
        "cargo" => {
            let at = words.iter().position(|word| word == "--")?;
            words[..at].iter().any(|word| word == "ops").then(|| &words[at + 1..])
        }
        _ => None,
    }
}

/// A word with an example for each variable that options judge.
fn filled_in(word: &str) -> String {
    let word = word.replace("$ENVIRONMENT", "production");
    word.replace("$OPS_NOTIFY_URL", "$URL").replace("$URL", "https://logs.example.com")
}

fn known(words: &[String]) -> Result<(), String> {
    let words = bare(words);
    if let Some(arguments) = ops_arguments(words) {
        let arguments: Vec<String> = arguments.iter().map(|word| filled_in(word)).collect();
        return ops::cli::understands(&arguments)
            .map_err(|why| format!("ops {}: {why}", arguments.join(" ")));
    }
    let Some(first) = words.first() else { return Ok(()) };
    if first.starts_with("scripts/") && !project().join(first).is_file() {
        return Err(format!("there is no {first}"));
    }
    if first == "npm" && words.get(1).is_some_and(|word| word == "run") {
        let scripts = fs::read_to_string(project().join("package.json")).unwrap();
        let scripts: serde_json::Value = serde_json::from_str(&scripts).unwrap();
        let name = words.get(2).map(String::as_str).unwrap_or_default();
        if scripts["scripts"].get(name).is_none() {
            return Err(format!("package.json has no script {name:?}"));
        }
    }
    Ok(())
}

/// Writes a shell script that can be run.
pub fn program(folder: &Path, name: &str, text: &str) {
    let file = folder.join(name);
    fs::write(&file, format!("#!/bin/sh\n{text}\n")).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
}
