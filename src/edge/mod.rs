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
mod reads;
mod settings;
mod storage;
mod tail;
#[cfg(test)]
mod tests;

use crate::access::{self, Action, Denied};
use crate::config::Config;
use answer::Answer;
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
                route(method, path, request, visit).await
            }
        },
        _ => Answer::error(404, "Not found"),
    };
    answer.send(cors)
}

async fn route(method: Method, path: &str, request: Request, visit: Visit) -> Answer {
    match (method, path) {
        (Method::Get, "/health") => health::get(&visit).await,
        (Method::Get, "/logs") => reads::logs(&request, &visit).await,
        (Method::Get, "/traces/recent") => reads::recent(&request, &visit).await,
        (Method::Get, "/logs/tail") => tail::admit(&request, &visit).await,
        (Method::Post, "/logs/tail/ticket") => tail::ticket(&visit).await,
        (Method::Delete, "/logs/clear") => clear::delete(&request, &visit).await,
        (Method::Get, "/limiter/status") => admin::limiter_status(&visit).await,
        (Method::Get, "/limiter/check") => admin::limiter_check(&request, &visit).await,
        (Method::Post, "/limiter/reset") => admin::limiter_reset(&visit).await,
        (Method::Post, "/buffer/drain") => admin::drain(&visit).await,
        #[cfg(feature = "fault-injection")]
        (Method::Post, "/fault/trap") => {
            // Tells a shard to break in the middle of whatever it does.
            let fault =
                hop::call(&visit.env, 0, "/fault/trap", Vec::new(), visit.config.hop_timeout_ms).await;
            Answer::error(500, &format!("{:?}", fault.map(|_| ())))
        }
        _ => Answer::error(404, "Not found"),
    }
}

/// Unix time in ms. It stands still while code runs and moves on with I/O (Cloudflare, "Web standards": timers).
fn now() -> i64 {
    i64::try_from(worker::Date::now().as_millis()).unwrap_or(i64::MAX)
}
