//! What only wasm compiles: the fetch event, the routes, the Durable Objects, the Upstash client.
use worker::{Context, Env, Request, Response, Result, event};

#[event(fetch)]
async fn fetch(_request: Request, _env: Env, _context: Context) -> Result<Response> {
    Response::ok("{}")
}
