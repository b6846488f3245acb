//! What concerns keys whatever they hold: existence, expiry, scanning.

use bytes::Bytes;

use super::{
    commands::{Call, NOT_AN_INTEGER, SYNTAX, integer},
    database::Database,
    glob,
};
use crate::upstash::reply::Reply;

/// `DEL key …`, `UNLINK key …`
pub fn del(database: &mut Database, call: &Call<'_>) -> Result<Reply, Reply> {
    Ok(count(call.args.iter().filter(|key| database.remove(key, call.now)).count()))
}

/// `EXISTS key …`: a key named twice counts twice.
pub fn exists(database: &mut Database, call: &Call<'_>) -> Result<Reply, Reply> {
    Ok(count(call.args.iter().filter(|key| database.get(key, call.now).is_some()).count()))
}

/// `TYPE key`
pub fn type_of(database: &mut Database, call: &Call<'_>) -> Result<Reply, Reply> {
    let name = database.get(&call.arg(0), call.now).map_or("none", |entry| entry.value.type_name());
    Ok(Reply::Status(Bytes::from_static(name.as_bytes())))
}

/// `EXPIRE key seconds [NX | XX | GT | LT]`
pub fn expire(database: &mut Database, call: &Call<'_>) -> Result<Reply, Reply> {
    expire_in(database, call, 1000)
}

/// `PEXPIRE key milliseconds [NX | XX | GT | LT]`
pub fn pexpire(database: &mut Database, call: &Call<'_>) -> Result<Reply, Reply> {
    expire_in(database, call, 1)
}

/// `TTL key`: seconds, rounded; -1 without an end, -2 without a key.
pub fn ttl(database: &mut Database, call: &Call<'_>) -> Result<Reply, Reply> {
    Ok(Reply::Int(match left(database, call) {
        ms if ms < 0 => ms,
        ms => ms.saturating_add(500) / 1000,
    }))
}

/// `PTTL key`: the same in milliseconds.
pub fn pttl(database: &mut Database, call: &Call<'_>) -> Result<Reply, Reply> {
    Ok(Reply::Int(left(database, call)))
}

/// `PERSIST key`
pub fn persist(database: &mut Database, call: &Call<'_>) -> Result<Reply, Reply> {
    let entry = database.get_mut(&call.arg(0), call.now);
    Ok(count(usize::from(entry.is_some_and(|entry| entry.expires_at.take().is_some()))))
}

/// `KEYS pattern`
pub fn keys(database: &mut Database, call: &Call<'_>) -> Result<Reply, Reply> {
    let pattern = call.arg(0);
    let found = database.iter(call.now).map(|(key, _)| key).filter(|key| glob::matches(&pattern, key));
    Ok(Reply::Array(found.cloned().map(Reply::Bulk).collect()))
}

/// `DBSIZE`
pub fn dbsize(database: &mut Database, call: &Call<'_>) -> Result<Reply, Reply> {
    Ok(count(database.iter(call.now).count()))
}

/// `FLUSHALL [ASYNC | SYNC]`, `FLUSHDB [ASYNC | SYNC]`
pub fn flush(database: &mut Database, call: &Call<'_>) -> Result<Reply, Reply> {
    let understood = match call.args {
        [] => true,
        [mode] => mode.eq_ignore_ascii_case(b"ASYNC") || mode.eq_ignore_ascii_case(b"SYNC"),
        _ => false,
    };
    if !understood {
        return Err(Reply::error(SYNTAX));
    }
    database.clear();
    Ok(Reply::ok())
}

/// `INFO [section …]`: who answers, and how many keys there are.
pub fn info(database: &mut Database, call: &Call<'_>) -> Result<Reply, Reply> {
    let keys = database.iter(call.now).count();
    let expiring = database.iter(call.now).filter(|(_, entry)| entry.expires_at.is_some()).count();
    let text = format!(
        "# Server\r\nredis_version:7.0.0\r\nredis_mode:standalone\r\nstore:memory\r\n\r\n\
         # Keyspace\r\ndb0:keys={keys},expires={expiring}\r\n"
    );
    Ok(Reply::Bulk(Bytes::from(text)))
}

/// `SCAN cursor [MATCH pattern] [COUNT n] [TYPE name]`
pub fn scan(database: &mut Database, call: &Call<'_>) -> Result<Reply, Reply> {
    let cursor = std::str::from_utf8(&call.arg(0)).ok().and_then(|text| text.parse::<u64>().ok());
    let cursor = cursor.ok_or_else(|| Reply::error("ERR invalid cursor"))?;
    let (mut pattern, mut limit, mut kind) = (None, 10, None);
    for option in call.rest(1).chunks(2) {
        let [name, value] = option else { return Err(Reply::error(SYNTAX)) };
        match name.to_ascii_uppercase().as_slice() {
            b"MATCH" => pattern = Some(value.clone()),
            b"TYPE" => kind = Some(String::from_utf8_lossy(value).to_ascii_lowercase()),
            b"COUNT" => {
                let n = integer(value).ok_or_else(|| Reply::error(NOT_AN_INTEGER))?;
                limit = usize::try_from(n).ok().filter(|n| *n > 0).ok_or_else(|| Reply::error(SYNTAX))?;
            }
            _ => return Err(Reply::error(SYNTAX)),
        }
    }
    let (next, found) = database.scan(cursor, limit, call.now);
    let keys = found
        .into_iter()
        .filter(|(key, _)| pattern.as_ref().is_none_or(|pattern| glob::matches(pattern, key)))
        .filter(|(_, entry)| kind.as_ref().is_none_or(|kind| entry.value.type_name() == kind))
        .map(|(key, _)| Reply::Bulk(key.clone()));
    Ok(Reply::Array(vec![Reply::Bulk(Bytes::from(next.to_string())), Reply::Array(keys.collect())]))
}

/// The time `amount × scale` ms after `base`; nothing when it does not fit Redis's 64 bits.
pub fn deadline(amount: i64, scale: i64, base: u64) -> Option<i64> {
    amount.checked_mul(scale)?.checked_add(i64::try_from(base).ok()?)
}

fn expire_in(database: &mut Database, call: &Call<'_>, scale: i64) -> Result<Reply, Reply> {
    let condition = Condition::read(call)?;
    let invalid = || Reply::error(format!("ERR invalid expire time in '{}' command", call.name));
    let end = deadline(call.int(1)?, scale, call.now).ok_or_else(invalid)?;
    let key = call.arg(0);
    let Some(entry) = database.get_mut(&key, call.now) else { return Ok(Reply::Int(0)) };
    let old = entry.expires_at.and_then(|at| i64::try_from(at).ok());
    if !condition.allows(old, end) {
        return Ok(Reply::Int(0));
    }
    match u64::try_from(end) {
        Ok(at) if at > call.now => entry.expires_at = Some(at),
        _ => {
            database.remove(&key, call.now);
        }
    }
    Ok(Reply::Int(1))
}

/// What must be true of the key's present end. A key without one counts as ending never.
#[derive(Default)]
struct Condition {
    nx: bool,
    xx: bool,
    gt: bool,
    lt: bool,
}

impl Condition {
    fn read(call: &Call<'_>) -> Result<Condition, Reply> {
        let mut condition = Condition::default();
        for word in call.rest(2) {
            match word.to_ascii_uppercase().as_slice() {
                b"NX" => condition.nx = true,
                b"XX" => condition.xx = true,
                b"GT" => condition.gt = true,
                b"LT" => condition.lt = true,
                _ => {
                    return Err(Reply::error(format!(
                        "ERR Unsupported option {}",
                        String::from_utf8_lossy(word)
                    )));
                }
            }
        }
        if condition.nx && (condition.xx || condition.gt || condition.lt) {
            return Err(Reply::error("ERR NX and XX, GT or LT options at the same time are not compatible"));
        }
        if condition.gt && condition.lt {
            return Err(Reply::error("ERR GT and LT options at the same time are not compatible"));
        }
        Ok(condition)
    }

    fn allows(&self, old: Option<i64>, new: i64) -> bool {
        !(self.nx && old.is_some()
            || self.xx && old.is_none()
            || self.gt && old.is_none_or(|old| new <= old)
            || self.lt && old.is_some_and(|old| new >= old))
    }
}

fn left(database: &Database, call: &Call<'_>) -> i64 {
    match database.get(&call.arg(0), call.now) {
        None => -2,
        Some(entry) => match entry.expires_at {
            None => -1,
            Some(end) => i64::try_from(end.saturating_sub(call.now)).unwrap_or(i64::MAX),
        },
    }
}

fn count(n: usize) -> Reply {
    Reply::Int(i64::try_from(n).unwrap_or(i64::MAX))
}
