//! Strings and counters.

use bytes::Bytes;

use super::{
    commands::{Call, NOT_AN_INTEGER, SYNTAX, WRONG_TYPE, integer, wrong_number},
    database::{Database, Entry, Value},
    keys::deadline,
};
use crate::upstash::reply::Reply;

/// `PING [message]`
pub fn ping(_: &mut Database, call: &Call<'_>) -> Result<Reply, Reply> {
    match call.args {
        [] => Ok(Reply::Status(Bytes::from_static(b"PONG"))),
        [message] => Ok(Reply::Bulk(message.clone())),
        _ => Err(Reply::error(wrong_number(call.name))),
    }
}

/// `ECHO message`
pub fn echo(_: &mut Database, call: &Call<'_>) -> Result<Reply, Reply> {
    Ok(Reply::Bulk(call.arg(0)))
}

/// `GET key`
pub fn get(database: &mut Database, call: &Call<'_>) -> Result<Reply, Reply> {
    text(database, &call.arg(0), call.now).map(|found| found.map_or(Reply::Nil, Reply::Bulk))
}

/// `SET key value [NX | XX] [GET] [EX s | PX ms | EXAT s | PXAT ms | KEEPTTL]`
pub fn set(database: &mut Database, call: &Call<'_>) -> Result<Reply, Reply> {
    let (key, value) = (call.arg(0), call.arg(1));
    let options = SetOptions::read(call)?;
    let before = if options.get { Some(text(database, &key, call.now)?) } else { None };
    let old = database.get(&key, call.now);
    let allowed = match options.only_if {
        None => true,
        Some(OnlyIf::Absent) => old.is_none(),
        Some(OnlyIf::Present) => old.is_some(),
    };
    if allowed {
        let kept = old.and_then(|entry| entry.expires_at).filter(|_| options.keep_ttl);
        let expires_at = options.expires_at.or(kept);
        database.insert(key, Entry { value: Value::Text(value), expires_at });
    }
    Ok(match before {
        Some(old) => old.map_or(Reply::Nil, Reply::Bulk),
        None if allowed => Reply::ok(),
        None => Reply::Nil,
    })
}

/// `INCR key`
pub fn incr(database: &mut Database, call: &Call<'_>) -> Result<Reply, Reply> {
    add(database, call, 1)
}

/// `INCRBY key increment`
pub fn incrby(database: &mut Database, call: &Call<'_>) -> Result<Reply, Reply> {
    add(database, call, call.int(1)?)
}

fn add(database: &mut Database, call: &Call<'_>, by: i64) -> Result<Reply, Reply> {
    let key = call.arg(0);
    let old = match text(database, &key, call.now)? {
        Some(digits) => integer(&digits).ok_or_else(|| Reply::error(NOT_AN_INTEGER))?,
        None => 0,
    };
    let overflow = || Reply::error("ERR increment or decrement would overflow");
    let sum = old.checked_add(by).ok_or_else(overflow)?;
    let value = Value::Text(Bytes::from(sum.to_string()));
    match database.get_mut(&key, call.now) {
        Some(entry) => entry.value = value,
        None => database.insert(key, Entry::new(value)),
    }
    Ok(Reply::Int(sum))
}

fn text(database: &Database, key: &Bytes, now: u64) -> Result<Option<Bytes>, Reply> {
    match database.get(key, now).map(|entry| &entry.value) {
        None => Ok(None),
        Some(Value::Text(text)) => Ok(Some(text.clone())),
        Some(Value::List(_)) => Err(Reply::error(WRONG_TYPE)),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum OnlyIf {
    Absent,
    Present,
}

#[derive(Default)]
struct SetOptions {
    only_if: Option<OnlyIf>,
    get: bool,
    keep_ttl: bool,
    expires_at: Option<u64>,
}

impl SetOptions {
    fn read(call: &Call<'_>) -> Result<SetOptions, Reply> {
        let syntax = || Reply::error(SYNTAX);
        let mut options = SetOptions::default();
        let mut time: Option<(String, Bytes)> = None;
        let mut words = call.rest(2).iter();
        while let Some(word) = words.next() {
            let name = String::from_utf8_lossy(word).to_ascii_uppercase();
            match name.as_str() {
                "NX" if options.only_if != Some(OnlyIf::Present) => options.only_if = Some(OnlyIf::Absent),
                "XX" if options.only_if != Some(OnlyIf::Absent) => options.only_if = Some(OnlyIf::Present),
                "GET" => options.get = true,
                "KEEPTTL" if time.is_none() => options.keep_ttl = true,
                "EX" | "PX" | "EXAT" | "PXAT" if time.is_none() && !options.keep_ttl => {
                    time = Some((name, words.next().ok_or_else(syntax)?.clone()));
                }
                _ => return Err(syntax()),
            }
        }
        // Redis reads the options first and the number after, so a syntax error wins over a bad number.
        if let Some((unit, amount)) = time {
            let amount = integer(&amount).ok_or_else(|| Reply::error(NOT_AN_INTEGER))?;
            let (scale, base) = match unit.as_str() {
                "EX" => (1000, call.now),
                "PX" => (1, call.now),
                "EXAT" => (1000, 0),
                _ => (1, 0),
            };
            let invalid = || Reply::error("ERR invalid expire time in 'set' command");
            let end =
                Some(amount).filter(|n| *n > 0).and_then(|n| deadline(n, scale, base)).ok_or_else(invalid)?;
            options.expires_at = u64::try_from(end).ok();
        }
        Ok(options)
    }
}
