//! The table of commands: name, number of arguments, whether it writes, and what executes it.

use bytes::Bytes;

use super::{database::Database, keys, lists, strings};
use crate::upstash::{reply::Reply, request::Command};

/// What a handler sees: the arguments after the name. Their number has been checked.
pub struct Call<'a> {
    /// The command's name in lower case, for error texts.
    pub name: &'a str,
    /// The arguments.
    pub args: &'a [Bytes],
    /// Milliseconds since 1970.
    pub now: u64,
}

impl Call<'_> {
    /// The argument at a place the number of arguments guarantees; an empty one otherwise.
    pub fn arg(&self, index: usize) -> Bytes {
        self.args.get(index).cloned().unwrap_or_default()
    }

    /// The arguments from a place on.
    pub fn rest(&self, from: usize) -> &[Bytes] {
        self.args.get(from..).unwrap_or_default()
    }

    /// The argument as Redis reads an integer.
    pub fn int(&self, index: usize) -> Result<i64, Reply> {
        integer(&self.arg(index)).ok_or_else(|| Reply::error(NOT_AN_INTEGER))
    }
}

/// A handler; both sides of the answer are replies, an error one on the right.
type Handler = fn(&mut Database, &Call<'_>) -> Result<Reply, Reply>;

struct Spec {
    name: &'static str,
    /// Redis's arity: the name counts; negative means at least.
    arity: i64,
    writes: bool,
    run: Handler,
}

/// Redis's text for a key that holds something else.
pub const WRONG_TYPE: &str = "WRONGTYPE Operation against a key holding the wrong kind of value";
/// Redis's text for a number that is none, or does not fit 64 bits.
pub const NOT_AN_INTEGER: &str = "ERR value is not an integer or out of range";
/// Redis's text for options it cannot read.
pub const SYNTAX: &str = "ERR syntax error";

const fn read(name: &'static str, arity: i64, run: Handler) -> Spec {
    Spec { name, arity, writes: false, run }
}

const fn write(name: &'static str, arity: i64, run: Handler) -> Spec {
    Spec { name, arity, writes: true, run }
}

const TABLE: &[Spec] = &[
    read("ping", -1, strings::ping),
    read("echo", 2, strings::echo),
    read("info", -1, keys::info),
    read("get", 2, strings::get),
    write("set", -3, strings::set),
    write("incr", 2, strings::incr),
    write("incrby", 3, strings::incrby),
    write("del", -2, keys::del),
    write("unlink", -2, keys::del),
    read("exists", -2, keys::exists),
    read("type", 2, keys::type_of),
    write("expire", -3, keys::expire),
    write("pexpire", -3, keys::pexpire),
    read("ttl", 2, keys::ttl),
    read("pttl", 2, keys::pttl),
    write("persist", 2, keys::persist),
    read("scan", -2, keys::scan),
    read("keys", 2, keys::keys),
    read("dbsize", 1, keys::dbsize),
    write("flushall", -1, keys::flush),
    write("flushdb", -1, keys::flush),
    write("lpush", -3, lists::lpush),
    write("rpush", -3, lists::rpush),
    write("lpushx", -3, lists::lpushx),
    write("rpushx", -3, lists::rpushx),
    read("lrange", 4, lists::lrange),
    read("llen", 2, lists::llen),
    read("lindex", 3, lists::lindex),
    write("lrem", 4, lists::lrem),
    write("ltrim", 4, lists::ltrim),
    write("lpop", -2, lists::lpop),
    write("rpop", -2, lists::rpop),
];

/// Commands of a real Redis that only read; what is not named here or in the table is taken for a write.
const OTHER_READS: &[&str] = &[
    "mget",
    "strlen",
    "getrange",
    "substr",
    "lpos",
    "hget",
    "hgetall",
    "hmget",
    "hlen",
    "hkeys",
    "hvals",
    "hexists",
    "smembers",
    "sismember",
    "scard",
    "zrange",
    "zcard",
    "zscore",
    "zrangebyscore",
    "time",
    "randomkey",
    "object",
    "memory",
    "dump",
    "expiretime",
    "pexpiretime",
    "hscan",
    "sscan",
    "zscan",
    "command",
];

/// Whether a command changes data.
pub fn writes(command: &Command) -> bool {
    let name = name_of(command);
    match find(&name) {
        Some(spec) => spec.writes,
        None => !OTHER_READS.contains(&name.as_str()),
    }
}

/// Why Redis would not even queue this command: it is unknown, or has the wrong number of arguments.
pub fn refuse(command: &Command) -> Option<String> {
    let name = name_of(command);
    match find(&name) {
        None => Some(unknown(command)),
        Some(spec) if !fits(spec.arity, command.len()) => Some(wrong_number(&name)),
        Some(_) => None,
    }
}

/// Executes one command.
pub fn execute(database: &mut Database, command: &Command, now: u64) -> Reply {
    if let Some(text) = refuse(command) {
        return Reply::Error(text);
    }
    let name = name_of(command);
    let Some(spec) = find(&name) else { return Reply::Error(unknown(command)) };
    let call = Call { name: &name, args: command.get(1..).unwrap_or_default(), now };
    (spec.run)(database, &call).unwrap_or_else(|error| error)
}

/// Redis's text for too few or too many arguments.
pub fn wrong_number(name: &str) -> String {
    format!("ERR wrong number of arguments for '{name}' command")
}

/// Redis's strict integers: no sign `+`, no leading zero, no space, 64 bits.
pub fn integer(text: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?;
    let number: i64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

fn find(name: &str) -> Option<&'static Spec> {
    TABLE.iter().find(|spec| spec.name == name)
}

fn name_of(command: &Command) -> String {
    command.first().map(|name| String::from_utf8_lossy(name).to_ascii_lowercase()).unwrap_or_default()
}

fn fits(arity: i64, words: usize) -> bool {
    let words = i64::try_from(words).unwrap_or(i64::MAX);
    if arity < 0 { words >= -arity } else { words == arity }
}

/// As Redis 7 says it: the name and the first arguments, each cut so that all stay within 128 bytes.
fn unknown(command: &Command) -> String {
    const LIMIT: usize = 128;
    let text = |word: &Bytes, room: usize| {
        let cut = word.get(..room.min(word.len())).unwrap_or_default();
        String::from_utf8_lossy(cut).replace(['\r', '\n'], " ")
    };
    let mut args = String::new();
    for word in command.iter().skip(1) {
        if args.len() >= LIMIT {
            break;
        }
        args.push_str(&format!("'{}' ", text(word, LIMIT - args.len())));
    }
    let name = command.first().map(|name| text(name, LIMIT)).unwrap_or_default();
    format!("ERR unknown command '{name}', with args beginning with: {args}")
}
