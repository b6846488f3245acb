//! From an HTTP request to Redis commands: the three shapes the REST API takes.
//! <https://upstash.com/docs/redis/features/restapi>

use bytes::Bytes;
use percent_encoding::percent_decode_str;
use serde_json::Value;

/// One Redis command: its name and its arguments, as bytes. Never empty once parsed.
pub type Command = Vec<Bytes>;

/// What an HTTP request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// `POST /` with a JSON array, or `/{command}/{argument}/…`.
    Single(Command),
    /// `/pipeline`: in order, not atomic, errors item by item.
    Pipeline(Vec<Command>),
    /// `/multi-exec`: one transaction.
    MultiExec(Vec<Command>),
}

impl Request {
    /// The commands, in order.
    pub fn commands(&self) -> &[Command] {
        match self {
            Request::Single(command) => std::slice::from_ref(command),
            Request::Pipeline(commands) | Request::MultiExec(commands) => commands,
        }
    }
}

/// Reads a request from its path (still percent-encoded), its query and its body.
///
/// # Errors
/// The text for `{"error": …}`; the caller answers 400.
pub fn parse(path: &str, query: Option<&str>, body: &[u8]) -> Result<Request, String> {
    match path.trim_matches('/') {
        "" => Ok(Request::Single(parse_array(body)?)),
        "pipeline" => Ok(Request::Pipeline(parse_arrays(body, "pipeline")?)),
        "multi-exec" => Ok(Request::MultiExec(parse_arrays(body, "transaction")?)),
        _ => Ok(Request::Single(parse_path(path, query, body))),
    }
}

/// The `_token` query parameter, which may stand for the `Authorization` header.
pub fn token_of_query(query: Option<&str>) -> Option<String> {
    parameters(query).find_map(|(name, value)| {
        (name == "_token").then(|| String::from_utf8_lossy(&decode(value.unwrap_or(""))).into_owned())
    })
}

fn parse_path(path: &str, query: Option<&str>, body: &[u8]) -> Command {
    let path = path.strip_prefix('/').unwrap_or(path);
    let mut command: Command = path.split('/').map(decode).collect();
    if !body.is_empty() {
        command.push(Bytes::copy_from_slice(body));
    }
    // `?EX=100` says what follows a value that travelled in the body.
    for (name, value) in parameters(query).filter(|(name, _)| *name != "_token") {
        command.push(decode(name));
        command.extend(value.map(decode));
    }
    command
}

fn parameters(query: Option<&str>) -> impl Iterator<Item = (&str, Option<&str>)> {
    query.unwrap_or("").split('&').filter(|pair| !pair.is_empty()).map(|pair| match pair.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (pair, None),
    })
}

fn decode(text: &str) -> Bytes {
    Bytes::from(percent_decode_str(text).collect::<Vec<u8>>())
}

fn parse_array(body: &[u8]) -> Result<Command, String> {
    let value: Value =
        serde_json::from_slice(body).map_err(|cause| format!("ERR failed to parse command: {cause}"))?;
    command_of(value)
}

fn parse_arrays(body: &[u8], what: &str) -> Result<Vec<Command>, String> {
    let rows: Vec<Value> = serde_json::from_slice(body)
        .map_err(|cause| format!("ERR failed to parse {what} request: {cause}"))?;
    if rows.is_empty() {
        return Err(format!("ERR empty {what} request"));
    }
    rows.into_iter().map(command_of).collect()
}

fn command_of(value: Value) -> Result<Command, String> {
    let Value::Array(items) = value else {
        return Err("ERR failed to parse command: it must be a JSON array".into());
    };
    if items.is_empty() {
        return Err("ERR empty command".into());
    }
    items.into_iter().map(argument_of).collect()
}

/// Numbers and booleans are written out; what Redis has no word for is refused.
fn argument_of(value: Value) -> Result<Bytes, String> {
    match value {
        Value::String(text) => Ok(Bytes::from(text)),
        Value::Number(number) => Ok(Bytes::from(number.to_string())),
        Value::Bool(flag) => Ok(Bytes::from(flag.to_string())),
        Value::Null | Value::Array(_) | Value::Object(_) => {
            Err("ERR failed to parse command: an argument must be a string, a number or a boolean".into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(command: &[&[u8]]) -> Command {
        command.iter().map(|word| Bytes::copy_from_slice(word)).collect()
    }

    #[test]
    fn a_path_is_a_command_and_its_arguments_are_percent_decoded() {
        let request = parse("/set/logs%3A%C3%A4%2Fb/%FF%00", None, b"").unwrap();
        assert_eq!(request, Request::Single(words(&[b"set", "logs:ä/b".as_bytes(), b"\xff\0"])));
    }

    #[test]
    fn a_body_after_a_path_is_the_next_argument_and_the_query_follows_it() {
        let request = parse("/set/k", Some("EX=100&_token=t&NX"), b"{\"a\":1}").unwrap();
        assert_eq!(request, Request::Single(words(&[b"set", b"k", b"{\"a\":1}", b"EX", b"100", b"NX"])));
    }

    #[test]
    fn json_numbers_and_booleans_are_written_out() {
        let request = parse("/", None, br#"["SET","k",1.5,"EX",100,true]"#).unwrap();
        assert_eq!(request, Request::Single(words(&[b"SET", b"k", b"1.5", b"EX", b"100", b"true"])));
    }

    #[test]
    fn what_is_no_command_is_refused_by_name() {
        let cases: [(&str, &[u8], &str); 6] = [
            ("/", b"{", "ERR failed to parse command"),
            ("/", b"{}", "ERR failed to parse command: it must be a JSON array"),
            ("/", b"[]", "ERR empty command"),
            ("/", b"[\"SET\",null]", "ERR failed to parse command: an argument"),
            ("/pipeline", b"[]", "ERR empty pipeline request"),
            ("/multi-exec", b"[[\"PING\"],1]", "ERR failed to parse command"),
        ];
        for (path, body, error) in cases {
            let answer = parse(path, None, body).unwrap_err();
            assert!(answer.starts_with(error), "{path} {answer}");
        }
    }

    #[test]
    fn the_token_may_come_in_the_query() {
        assert_eq!(token_of_query(Some("a=b&_token=x%3D")).as_deref(), Some("x="));
        assert_eq!(token_of_query(None), None);
    }
}
