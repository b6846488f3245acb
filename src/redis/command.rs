//! Commands, written straight into the body of a request.

use crate::json::write_string;

/// Commands of one request, as the JSON array of arrays that `/pipeline` and `/multi-exec` take.
#[derive(Debug, Clone, Default)]
pub struct Commands {
    body: Vec<u8>,
    count: usize,
}

impl Commands {
    /// No commands yet.
    pub fn new() -> Commands {
        Commands::default()
    }

    /// Adds a command and its arguments.
    pub fn push<'a>(&mut self, name: &str, arguments: impl IntoIterator<Item = &'a str>) -> &mut Self {
        self.body.push(if self.count == 0 { b'[' } else { b',' });
        self.body.push(b'[');
        write_string(&mut self.body, name);
        for argument in arguments {
            self.body.push(b',');
            write_string(&mut self.body, argument);
        }
        self.body.push(b']');
        self.count += 1;
        self
    }

    /// How many commands.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Bytes of the body so far.
    pub fn bytes(&self) -> usize {
        self.body.len()
    }

    /// The body to send.
    pub fn into_body(mut self) -> Vec<u8> {
        if self.count == 0 {
            self.body.push(b'[');
        }
        self.body.push(b']');
        self.body
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_a_json_array_of_arrays_of_strings() {
        let mut commands = Commands::new();
        commands.push("LPUSH", ["logs:é\"", "{\"a\":1}"]).push("PING", []);
        assert_eq!(commands.len(), 2);
        let body: serde_json::Value = serde_json::from_slice(&commands.into_body()).unwrap();
        assert_eq!(body, serde_json::json!([["LPUSH", "logs:é\"", "{\"a\":1}"], ["PING"]]));
        assert_eq!(Commands::new().into_body(), b"[]");
    }
}
