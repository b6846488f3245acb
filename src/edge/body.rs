//! Reading a body: never more than its limit, and never more at once than one isolate can hold.

use futures_util::StreamExt;
use std::cell::Cell;
use worker::{ByteStream, Request};

thread_local! {
    /// Bytes of bodies this isolate has in hand. Not state that outlives a request: what a request reserves, it
    /// gives back when it ends, and an isolate that is thrown away has nothing in hand.
    static IN_FLIGHT: Cell<usize> = const { Cell::new(0) };
}

/// Room for a body, given back when dropped.
pub struct Reserved(usize);

impl Reserved {
    fn take(bytes: usize, most: usize) -> Option<Reserved> {
        IN_FLIGHT.with(|in_flight| {
            let after = in_flight.get().saturating_add(bytes);
            (after <= most).then(|| {
                in_flight.set(after);
                Reserved(bytes)
            })
        })
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        IN_FLIGHT.with(|in_flight| in_flight.set(in_flight.get().saturating_sub(self.0)));
    }
}

/// Why a body was not read.
pub enum Unread {
    /// It is larger than it may be.
    TooLarge,
    /// The isolate has as much in hand as it may.
    NoRoom,
    /// The connection broke.
    Broken(String),
}

/// A body that is refused is still received, up to this many times its limit: the platform ends the connection of a
/// sender that is answered half-way, and the sender never sees why.
const DISCARD_FACTOR: usize = 4;

/// Receives and drops what is left of a body of which nothing was read.
pub async fn discard(request: &mut Request, limit: usize) {
    if request.inner().body_used() || request.inner().body().is_none() {
        return;
    }
    if let Ok(chunks) = request.stream() {
        discard_rest(chunks, limit.saturating_mul(DISCARD_FACTOR)).await;
    }
}

async fn discard_rest(mut chunks: ByteStream, most: usize) {
    let mut received = 0;
    while let Some(Ok(chunk)) = chunks.next().await {
        received += chunk.len();
        if received > most {
            return;
        }
    }
}

/// Reads a body of at most `limit` bytes, while this isolate has at most `budget` bytes in hand.
///
/// # Errors
/// [`Unread`].
pub async fn read(request: &mut Request, limit: usize, budget: usize) -> Result<(Vec<u8>, Reserved), Unread> {
    let broken = |error: worker::Error| Unread::Broken(error.to_string());
    let announced =
        request.headers().get("content-length").ok().flatten().and_then(|text| text.parse::<usize>().ok());
    if let Some(length) = announced {
        if length > limit {
            return Err(Unread::TooLarge);
        }
        let reserved = Reserved::take(length, budget).ok_or(Unread::NoRoom)?;
        // The platform holds a sender to the length it announced.
        let body = if length == 0 { Vec::new() } else { request.bytes().await.map_err(broken)? };
        return if body.len() > limit { Err(Unread::TooLarge) } else { Ok((body, reserved)) };
    }
    let mut body = Vec::new();
    let mut reserved = Reserved::take(0, budget).ok_or(Unread::NoRoom)?;
    if request.inner().body().is_none() {
        return Ok((body, reserved));
    }
    let mut chunks = request.stream().map_err(broken)?;
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(broken)?;
        let too_large = body.len() + chunk.len() > limit;
        let more = Reserved::take(chunk.len(), budget).filter(|_| !too_large);
        let Some(more) = more else {
            drop((body, reserved));
            discard_rest(chunks, limit.saturating_mul(DISCARD_FACTOR)).await;
            return Err(if too_large { Unread::TooLarge } else { Unread::NoRoom });
        };
        reserved.0 += more.0;
        std::mem::forget(more);
        body.extend_from_slice(&chunk);
    }
    Ok((body, reserved))
}
