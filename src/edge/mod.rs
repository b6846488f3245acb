//! What only wasm compiles: the fetch event, the routes, and the shells of the two Durable Objects.

mod admin;
mod answer;
mod buffer;
mod clear;
pub mod exchange;
mod flood;
mod health;
mod hop;
mod ingest;
mod limiter;
mod list;
mod random;
mod reads;
mod settings;
mod storage;
mod tail;
#[cfg(test)]
mod tests;

use crate::access::{self, Action, Denied};
use crate::config::Config;
use answer::Answer;
use futures_util::future::LocalBoxFuture;
use std::rc::Rc;
use worker::{Context, Env, Method, Request, Response, Result, event};

/// One request: what the routes need to know of it.
struct Visit {
    env: Env,
    config: Rc<Config>,
    origin: Option<String>,
    authorization: Option<String>,
}

impl Visit {
    fn authorize(&self, action: Action) -> std::result::Result<(), Denied> {
        access::authorize(&self.config, action, self.origin.as_deref(), self.authorization.as_deref())
    }
}

#[event(start)]
fn start() {
    console_error_panic_hook::set_once();
}

#[event(fetch)]
async fn fetch(request: Request, env: Env, _context: Context) -> Result<Response> {
    let header = |name: &str| request.headers().get(name).ok().flatten();
    let origin = header("origin");
    let loaded = settings::config(&env);
    let cors = access::cors(loaded.as_deref().ok(), origin.as_deref());
    let answer = match (request.method(), request.path().as_str(), loaded) {
        (Method::Options, _, _) => Answer::empty(),
        (Method::Get, "/", _) => answer::home(),
        (Method::Get, "/openapi.json", _) => answer::openapi(),
        (Method::Get, "/health", Err(problems)) => health::misconfigured(&problems),
        (method, path, loaded) if answer::is_route(&method, path) => match loaded {
            Err(problems) => answer::misconfigured(&problems),
            Ok(config) if config.flood_guard && flood::is_flood(&request, &env).await => answer::flood(),
            Ok(config) => {
                let authorization = header("authorization");
                let visit = Visit { env, config, authorization, origin };
                route(&method, path, &request, &visit).await
            }
        },
        _ => Answer::error(404, "Not found"),
    };
    answer.send(cors)
}

/// The work of a route. Each is boxed: as one future they would be one function, which V8 compiles as a whole before a
/// fresh isolate's first answer.
fn route<'a>(
    method: &Method,
    path: &str,
    request: &'a Request,
    visit: &'a Visit,
) -> LocalBoxFuture<'a, Answer> {
    match (method, path) {
        (Method::Get, "/health") => Box::pin(health::get(visit)),
        (Method::Get, "/logs") => Box::pin(reads::logs(request, visit)),
        (Method::Get, "/traces/recent") => Box::pin(reads::recent(request, visit)),
        (Method::Get, "/logs/tail") => Box::pin(tail::admit(request, visit)),
        (Method::Post, "/logs/tail/ticket") => Box::pin(tail::ticket(visit)),
        (Method::Delete, "/logs/clear") => Box::pin(clear::delete(request, visit)),
        (Method::Get, "/limiter/status") => Box::pin(admin::limiter_status(visit)),
        (Method::Get, "/limiter/check") => Box::pin(admin::limiter_check(request, visit)),
        (Method::Post, "/limiter/reset") => Box::pin(admin::limiter_reset(visit)),
        (Method::Post, "/buffer/drain") => Box::pin(admin::drain(visit)),
        #[cfg(feature = "fault-injection")]
        (Method::Post, "/fault/trap") => Box::pin(async {
            // Tells a shard to break in the middle of whatever it does.
            let fault =
                hop::call(&visit.env, 0, "/fault/trap", Vec::new(), visit.config.hop_timeout_ms).await;
            Answer::error(500, &format!("{:?}", fault.map(|_| ())))
        }),
        #[cfg(feature = "fault-injection")]
        (Method::Post, "/fault/keeper-away" | "/fault/keeper-back") => {
            limiter::AWAY.store(path.ends_with("away"), std::sync::atomic::Ordering::Relaxed);
            Box::pin(async { Answer::raw(200, Vec::new()) })
        }
        _ => Box::pin(async { Answer::error(404, "Not found") }),
    }
}

/// Unix time in ms. It stands still while code runs and moves on with I/O (Cloudflare, "Web standards": timers).
#[allow(clippy::cast_possible_truncation)] // of whole ms
fn now() -> i64 {
    js_sys::Date::now() as i64
}
