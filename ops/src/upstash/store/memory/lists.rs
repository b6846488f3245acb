//! Lists.

use std::collections::VecDeque;

use bytes::Bytes;

use super::{
    commands::{Call, WRONG_TYPE, wrong_number},
    database::{Database, Entry, Value},
};
use crate::upstash::reply::Reply;

/// `LPUSH key element …`
pub fn lpush(database: &mut Database, call: &Call<'_>) -> Result<Reply, Reply> {
    push(database, call, VecDeque::push_front, true)
}

/// `RPUSH key element …`
pub fn rpush(database: &mut Database, call: &Call<'_>) -> Result<Reply, Reply> {
    push(database, call, VecDeque::push_back, true)
}

/// `LPUSHX key element …`: only when the list exists.
pub fn lpushx(database: &mut Database, call: &Call<'_>) -> Result<Reply, Reply> {
    push(database, call, VecDeque::push_front, false)
}

/// `RPUSHX key element …`: only when the list exists.
pub fn rpushx(database: &mut Database, call: &Call<'_>) -> Result<Reply, Reply> {
    push(database, call, VecDeque::push_back, false)
}

/// `LRANGE key start stop`
pub fn lrange(database: &mut Database, call: &Call<'_>) -> Result<Reply, Reply> {
    let (start, stop) = (call.int(1)?, call.int(2)?);
    let Some(list) = view(database, call)? else { return Ok(Reply::Array(Vec::new())) };
    let (from, to) = bounds(start, stop, list.len());
    Ok(Reply::Array(list.range(from..to).cloned().map(Reply::Bulk).collect()))
}

/// `LLEN key`
pub fn llen(database: &mut Database, call: &Call<'_>) -> Result<Reply, Reply> {
    Ok(count(view(database, call)?.map_or(0, VecDeque::len)))
}

/// `LINDEX key index`
pub fn lindex(database: &mut Database, call: &Call<'_>) -> Result<Reply, Reply> {
    // Redis looks at the key before it reads the number.
    let Some(list) = view(database, call)? else { return Ok(Reply::Nil) };
    let index = from_left(call.int(1)?, list.len());
    let found = usize::try_from(index).ok().and_then(|index| list.get(index));
    Ok(found.map_or(Reply::Nil, |element| Reply::Bulk(element.clone())))
}

/// `LREM key count element`: count > 0 from the left, < 0 from the right, 0 all.
pub fn lrem(database: &mut Database, call: &Call<'_>) -> Result<Reply, Reply> {
    let limit = call.int(1)?;
    let element = call.arg(2);
    change(database, call, Reply::Int(0), |list| {
        let mut left = if limit == 0 { u64::MAX } else { limit.unsigned_abs() };
        let before = list.len();
        let mut keep = |candidate: &Bytes| {
            let removed = left > 0 && *candidate == element;
            left -= u64::from(removed);
            !removed
        };
        if limit < 0 {
            let kept: Vec<Bytes> = list.drain(..).rev().filter(|candidate| keep(candidate)).collect();
            list.extend(kept.into_iter().rev());
        } else {
            list.retain(keep);
        }
        Ok(count(before - list.len()))
    })
}

/// `LTRIM key start stop`
pub fn ltrim(database: &mut Database, call: &Call<'_>) -> Result<Reply, Reply> {
    let (start, stop) = (call.int(1)?, call.int(2)?);
    change(database, call, Reply::ok(), |list| {
        let (from, to) = bounds(start, stop, list.len());
        list.truncate(to);
        list.drain(..from);
        Ok(Reply::ok())
    })
}

/// `LPOP key [count]`
pub fn lpop(database: &mut Database, call: &Call<'_>) -> Result<Reply, Reply> {
    pop(database, call, VecDeque::pop_front)
}

/// `RPOP key [count]`
pub fn rpop(database: &mut Database, call: &Call<'_>) -> Result<Reply, Reply> {
    pop(database, call, VecDeque::pop_back)
}

fn push(
    database: &mut Database,
    call: &Call<'_>,
    add: fn(&mut VecDeque<Bytes>, Bytes),
    create: bool,
) -> Result<Reply, Reply> {
    let key = call.arg(0);
    let elements = call.rest(1);
    if view(database, call)?.is_none() {
        if !create {
            return Ok(Reply::Int(0));
        }
        database.insert(key, Entry::new(Value::List(VecDeque::new())));
    }
    change(database, call, Reply::Int(0), |list| {
        elements.iter().for_each(|element| add(list, element.clone()));
        Ok(count(list.len()))
    })
}

fn pop(
    database: &mut Database,
    call: &Call<'_>,
    take: fn(&mut VecDeque<Bytes>) -> Option<Bytes>,
) -> Result<Reply, Reply> {
    if call.args.len() > 2 {
        return Err(Reply::error(wrong_number(call.name)));
    }
    if call.args.len() < 2 {
        return change(database, call, Reply::Nil, |list| Ok(take(list).map_or(Reply::Nil, Reply::Bulk)));
    }
    let positive = || Reply::error("ERR value is out of range, must be positive");
    let wanted = call.int(1).map_err(|_| positive())?;
    let wanted = usize::try_from(wanted).map_err(|_| positive())?;
    change(database, call, Reply::Nil, |list| {
        let taken = std::iter::from_fn(|| take(list)).take(wanted).map(Reply::Bulk).collect();
        Ok(Reply::Array(taken))
    })
}

fn view<'a>(database: &'a Database, call: &Call<'_>) -> Result<Option<&'a VecDeque<Bytes>>, Reply> {
    match database.get(&call.arg(0), call.now).map(|entry| &entry.value) {
        None => Ok(None),
        Some(Value::List(list)) => Ok(Some(list)),
        Some(Value::Text(_)) => Err(Reply::error(WRONG_TYPE)),
    }
}

/// Changes the list under the first argument; its key goes when nothing is left in it.
fn change(
    database: &mut Database,
    call: &Call<'_>,
    absent: Reply,
    work: impl FnOnce(&mut VecDeque<Bytes>) -> Result<Reply, Reply>,
) -> Result<Reply, Reply> {
    let key = call.arg(0);
    let (reply, empty) = match database.get_mut(&key, call.now).map(|entry| &mut entry.value) {
        None => return Ok(absent),
        Some(Value::Text(_)) => return Err(Reply::error(WRONG_TYPE)),
        Some(Value::List(list)) => (work(list), list.is_empty()),
    };
    if empty {
        database.remove(&key, call.now);
    }
    reply
}

/// Redis's inclusive range, negative counting from the end, as a half-open one within the list.
fn bounds(start: i64, stop: i64, length: usize) -> (usize, usize) {
    let inside = |index: i64| usize::try_from(index.max(0)).unwrap_or(usize::MAX).min(length);
    let from = inside(from_left(start, length));
    let to = inside(from_left(stop, length).saturating_add(1));
    (from, to.max(from))
}

fn from_left(index: i64, length: usize) -> i64 {
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    if index < 0 { index.saturating_add(length) } else { index }
}

fn count(n: usize) -> Reply {
    Reply::Int(i64::try_from(n).unwrap_or(i64::MAX))
}
