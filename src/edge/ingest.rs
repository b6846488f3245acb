//! `POST /log` and `POST /v1/logs`: judge every log of the body, and answer what became of each.
//!
//! The I/O of it (receiving the body, the hops to the shards, the deadlines) is src/log.mjs: JavaScript awaits at a
//! third of what a future in wasm costs, and this path is what a deployment pays for. It drives a [`Posted`] by short
//! calls, none of which waits.

use super::answer::{self, Answer, RETRY_AFTER_S};
use super::{random, settings};
use crate::access::{self, Action};
use crate::answers::{self, Fate, Refused};
use crate::buffer::wire::{AppendReply, Outcome};
use crate::config::Config;
use crate::flood;
use crate::intake::receive::{Receiver, TIME_MAX_S, Unread};
use crate::intake::{self, BodyError, Distribution, Hop, Judged, Log, Sender};
use crate::otlp;
use std::rc::Rc;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::{Env, console_error};

/// What was posted in one request.
#[wasm_bindgen]
pub struct Posted {
    loaded: settings::Loaded,
    /// Whether it is OpenTelemetry's: `POST /v1/logs`.
    is_otlp: bool,
    sender: Sender,
    content_type: Option<String>,
    /// The client's, as Cloudflare knows it, and its zone where it is a Worker.
    address: Option<String>,
    zone: Option<String>,
    /// Why the request is refused as a whole.
    refused: Option<Answer>,
    receiver: Receiver,
    now: i64,
    single: bool,
    fates: Vec<Fate>,
    hops: Vec<Hop>,
}

#[wasm_bindgen]
impl Posted {
    /// Begins a request. `head` holds the values of the headers that matter, one a line and empty where there is none:
    /// `Origin`, `Authorization`, `Content-Type`, `Content-Encoding`, `Content-Length`, `Referer`, `User-Agent`,
    /// `Sec-Fetch-Site`, `CF-Connecting-IP`, `CF-Worker`.
    pub fn open(env: &Env, head: &str, is_otlp: bool) -> Posted {
        let mut lines = head.split('\n').map(|line| (!line.is_empty()).then(|| line.to_string()));
        let mut next = || lines.next().flatten();
        let (origin, authorization, content_type) = (next(), next(), next());
        let (content_encoding, announced) = (next(), next());
        let sender = Sender { origin, referer: next(), user_agent: next(), fetch_metadata: next().is_some() };
        let (address, zone) = (next(), next());
        let loaded = settings::config(env);
        let announced = announced.and_then(|length| length.parse().ok());
        let (limit, budget) =
            loaded.as_ref().map_or((0, 0), |config| (config.body_max_bytes, config.in_flight_max_bytes));
        let packed = intake::body::is_gzip(content_encoding.as_deref());
        let receiver = match packed {
            Ok(true) => Receiver::of_packed(limit, budget),
            _ => Receiver::new(limit, budget, announced),
        };
        let form = if is_otlp { otlp::check_content_type(content_type.as_deref()) } else { Ok(()) };
        let form = form.and(packed);
        let mut posted = Posted {
            loaded,
            is_otlp,
            sender,
            content_type,
            address,
            zone,
            refused: None,
            receiver,
            now: 0,
            single: true,
            fates: Vec::new(),
            hops: Vec::new(),
        };
        posted.refused = posted.admit(authorization.as_deref()).err().or_else(|| {
            let error = form.err()?;
            Some(refuse(error.status(), &error.to_string()))
        });
        if posted.refused.is_some() {
            // Received and dropped; why it is refused is said already.
            posted.receiver.refuse(Unread::NoRoom);
        }
        posted
    }

    /// What the flood guard counts this request under; empty when it is not to be counted.
    pub fn counted_as(&self) -> String {
        let guarded = self.loaded.as_ref().is_ok_and(|config| config.flood_guard);
        let address = self.address.as_deref().filter(|_| guarded);
        address.map(|address| flood::counted_as(address, self.zone.as_deref())).unwrap_or_default()
    }

    /// It is one request too many from its address.
    pub fn turn_away(&mut self) {
        self.refused = Some(answer::flood());
        self.receiver.refuse(Unread::NoRoom);
    }

    /// Whether to receive the body in one piece.
    pub fn in_one_piece(&self) -> bool {
        self.receiver.in_one_piece()
    }

    /// Whether the body is gzip, to be unpacked as it comes.
    pub fn is_packed(&self) -> bool {
        self.receiver.is_packed()
    }

    /// Notes how much came of a packed body. Returns whether to go on receiving.
    pub fn push_packed(&mut self, bytes: usize) -> bool {
        self.receiver.push_packed(bytes)
    }

    /// It is not gzip although it says so.
    pub fn cannot_be_unpacked(&mut self) {
        self.receiver.refuse(Unread::NotPacked);
    }

    /// Takes what came of the body. Returns whether to go on receiving, or unpacking.
    pub fn push(&mut self, chunk: &[u8]) -> bool {
        self.receiver.push(chunk)
    }

    /// The body did not come in time, or its connection broke.
    pub fn give_up(&mut self, late: bool) {
        self.receiver.refuse(if late { Unread::TooSlow } else { Unread::Broken });
    }

    /// Judges what came. Returns how many shards to ask.
    pub fn judge(&mut self) -> usize {
        #[cfg(feature = "fault-injection")]
        if self.receiver.body() == Ok(b"trap") {
            std::process::abort();
        }
        if self.refused.is_none() {
            self.refused = self.judge_all().err();
        }
        self.hops.len()
    }

    /// How long a shard may take to answer, in ms.
    pub fn hop_timeout_ms(&self) -> u32 {
        self.loaded.as_ref().map_or(0, |config| config.hop_timeout_ms)
    }

    /// The shard of a hop.
    pub fn shard(&self, hop: usize) -> u32 {
        self.hops.get(hop).map_or(0, |hop| hop.shard)
    }

    /// What to send to it; given away.
    pub fn body(&mut self, hop: usize) -> Vec<u8> {
        self.hops.get_mut(hop).map(|hop| std::mem::take(&mut hop.body)).unwrap_or_default()
    }

    /// Takes a shard's answer. The entries of a shard that never answered are lost, and their sender is told so.
    pub fn settle(&mut self, hop: usize, reply: &[u8]) {
        let Some(hop) = self.hops.get_mut(hop) else { return };
        match AppendReply::read(reply) {
            Ok(reply) => {
                for (&index, outcome) in hop.indexes.iter().zip(reply.outcomes) {
                    settle(&mut self.fates, index, outcome, reply.window_end);
                }
            }
            Err(error) => console_error!("shard {}: unreadable answer: {error}", hop.shard),
        }
    }

    /// The answer: its status, its body, and names and values of its headers, with NUL between them (which neither
    /// JSON nor a header can hold).
    pub fn answer(&mut self) -> String {
        let cors = access::cors(self.loaded.as_ref().ok().map(Rc::as_ref), self.sender.origin.as_deref());
        let in_its_form = |refused: Answer| {
            if self.is_otlp { refused.map(|body| otlp::as_status(&body)) } else { refused }
        };
        let answer = match (self.refused.take(), &self.loaded) {
            (Some(refused), _) => in_its_form(refused),
            (None, Err(problems)) => in_its_form(answer::misconfigured(problems)),
            (None, Ok(config)) => {
                let told = if self.is_otlp {
                    otlp::tell(&self.fates, self.now, &config.limits)
                } else {
                    answers::tell(self.single, &self.fates, self.now, &config.limits)
                };
                let answer = Answer::raw(told.status, told.body);
                told.headers.into_iter().fold(answer, |answer, (name, value)| answer.with(name, value))
            }
        };
        answer.joined(cors)
    }
}

impl Posted {
    fn admit(&self, authorization: Option<&str>) -> Result<(), Answer> {
        let config = self.config()?;
        access::authorize(config, Action::Ingest, self.sender.origin.as_deref(), authorization)
            .map_err(|denied| refuse(denied.status(), denied.reason()))
    }

    fn config(&self) -> Result<&Config, Answer> {
        self.loaded.as_deref().map_err(|problems| answer::misconfigured(problems))
    }

    fn judge_all(&mut self) -> Result<(), Answer> {
        // What came with the request decides the time its entries get, not how long the body took.
        self.now = super::now();
        let now = self.now;
        let mut new_id = || new_id(now);
        let body = intake::body::text(self.receiver.body().map_err(|why| self.unread(why))?);
        // What is no UTF-8 takes up to three times its room as text.
        if body.len() > self.config()?.body_max_bytes {
            return Err(self.unread(Unread::TooLarge));
        }
        let (shards, has_store) = (self.config()?.shards, self.config()?.redis.is_some());
        let mut judge = intake::Judge::new(&self.sender, now, &mut new_id);
        let mut distribution = Distribution::new(shards, has_store, body.len());
        let mut json = Vec::new();
        let mut take_in = |log| {
            json.clear();
            distribution.add(judge_one(&mut judge, log, &mut json), &json);
        };
        let refused = |error: BodyError| refuse(error.status(), &error.to_string());
        if self.is_otlp {
            let records = otlp::records(&body).map_err(refused)?;
            records.into_iter().for_each(|record| take_in(record.log().map(Log::from)));
        } else {
            match intake::split(&body, self.content_type.as_deref()).map_err(refused)? {
                intake::Posted::Single(log) => take_in(Ok(log.into())),
                intake::Posted::Batch(logs) => {
                    self.single = false;
                    logs.into_iter().for_each(|log| take_in(log.parse()));
                }
            }
        }
        let redactions = judge.tally().iter().map(|(rule, count)| (rule.to_string(), count)).collect();
        drop(body);
        self.receiver.digested();
        (self.fates, self.hops) = distribution.finish(redactions);
        Ok(())
    }

    fn unread(&self, why: Unread) -> Answer {
        match why {
            Unread::TooLarge => {
                let limit = self.loaded.as_ref().map_or(0, |config| config.body_max_bytes);
                refuse(413, &format!("body is larger than {limit} bytes: split the batch"))
            }
            Unread::NoRoom => refuse(503, "too many bytes are being received at once: try again")
                .with("Retry-After", RETRY_AFTER_S.to_string()),
            Unread::TooSlow => refuse(408, &format!("body did not arrive within {TIME_MAX_S} s")),
            Unread::Broken => refuse(400, "body could not be read: the connection broke"),
            Unread::NotPacked => refuse(400, "body is not gzip, as its Content-Encoding says"),
        }
    }
}

fn refuse(status: u16, error: &str) -> Answer {
    Answer::json(status, &Refused { success: false, error })
}

fn judge_one<'b>(
    judge: &mut intake::Judge<'_, 'b>,
    log: Result<Log<'b>, (u16, String)>,
    json: &mut Vec<u8>,
) -> Judged<'b> {
    match log {
        Ok(log) => judge.judge(log, json),
        Err((status, error)) => Judged::Refused { status, error },
    }
}

/// A UUID v7 (RFC 9562, section 5.7). `Uuid::now_v7` would ask std for the time, which wasm has not.
fn new_id(now: i64) -> String {
    let random = random::bytes().unwrap_or_else(|error| {
        console_error!("no randomness for an id: {error}");
        [0; 10]
    });
    uuid::Builder::from_unix_timestamp_millis(u64::try_from(now).unwrap_or(0), &random)
        .into_uuid()
        .to_string()
}

fn settle(fates: &mut [Fate], index: usize, outcome: Outcome, window_end: i64) {
    let Some(fate) = fates.get_mut(index) else { return };
    let Fate::Lost { trace_id, system } = fate else { return };
    let (trace_id, system) = (trace_id.clone(), *system);
    *fate = Fate::of(outcome, trace_id, system, window_end);
}
