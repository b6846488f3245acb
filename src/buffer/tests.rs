//! The shard under a model: an owner as the Durable Object is one, a Redis that fails in every way the worker must
//! survive, and a memory of what was acknowledged.

mod cases;
mod events;
mod model;
mod owner;
mod pages;
mod redis;
mod refused;
mod tail;
