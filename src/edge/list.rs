//! Reading a trace's list, in as many pieces as Redis's plan asks for.

use crate::redis::{Client, Commands, Item, Oversize, Reply, list_key};
use worker::console_error;

/// Why a list could not be read, in words for the reader.
pub type Unread = &'static str;

/// No Redis answers.
pub const AWAY: Unread = "Redis did not answer; these logs are what the buffer holds";
const REFUSES: Unread =
    "Redis has no readable list under the trace's key; these logs are what the buffer holds";

/// Hands on a list's elements, oldest first: of one answer, or of several where one would be longer than Redis gives.
///
/// # Errors
/// Why they are not all there. Some may have been handed on.
pub async fn read(client: &Client, trace_id: &str, mut take: impl FnMut(String)) -> Result<(), Unread> {
    let mut hand_on = |piece: Vec<String>| piece.into_iter().rev().for_each(&mut take);
    let times = match range(client, trace_id, 0, -1).await? {
        Piece::Elements(elements) => {
            hand_on(elements);
            return Ok(());
        }
        Piece::TooLong(too_long) => too_long.times(),
    };
    let len = length(client, trace_id).await?;
    // Twice as many as would do if all elements were alike. Counted from the end, where nothing is added meanwhile.
    let mut step = (len / i64::try_from(times.saturating_mul(2)).unwrap_or(i64::MAX)).max(1);
    let mut read = 0;
    while read < len {
        match range(client, trace_id, -(read + step), -(read + 1)).await? {
            Piece::Elements(elements) => {
                hand_on(elements);
                read += step;
            }
            Piece::TooLong(_) if step > 1 => step /= 2,
            Piece::TooLong(_) => return Err(REFUSES),
        }
    }
    Ok(())
}

/// An answer to `LRANGE`.
enum Piece {
    /// Newest first.
    Elements(Vec<String>),
    /// It would have been longer than Redis gives.
    TooLong(Oversize),
}

async fn range(client: &Client, trace_id: &str, first: i64, last: i64) -> Result<Piece, Unread> {
    let mut commands = Commands::new();
    commands.push("LRANGE", [list_key(trace_id).as_str(), &first.to_string(), &last.to_string()]);
    match ask(client, commands).await? {
        Ok(reply) => reply.into_strings().map(Piece::Elements).ok_or_else(|| refused("not a list")),
        Err(error) => Oversize::of(&error).map(Piece::TooLong).ok_or_else(|| refused(&error)),
    }
}

async fn length(client: &Client, trace_id: &str) -> Result<i64, Unread> {
    let mut commands = Commands::new();
    commands.push("LLEN", [list_key(trace_id).as_str()]);
    match ask(client, commands).await? {
        Ok(Reply::Integer(len)) => Ok(len),
        Ok(_) => Err(refused("no length")),
        Err(error) => Err(refused(&error)),
    }
}

async fn ask(client: &Client, commands: Commands) -> Result<Item, Unread> {
    let why = match client.pipeline(commands).await {
        Ok(items) => match items.into_iter().next() {
            Some(item) => return Ok(item),
            None => "no item".to_string(),
        },
        Err(failure) => failure.to_string(),
    };
    console_error!("a trace could not be read from Redis: {why}");
    Err(AWAY)
}

fn refused(why: &str) -> Unread {
    console_error!("a trace could not be read from Redis: {why}");
    REFUSES
}
