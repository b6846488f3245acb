//! Replies and the Redis protocol, version 2.

use bytes::Bytes;
use redis_protocol::resp2::{
    encode::encode_bytes,
    types::{BytesFrame, Resp2Frame},
};

use super::reply::Reply;

/// The reply a frame holds.
pub fn reply_of(frame: BytesFrame) -> Reply {
    match frame {
        BytesFrame::SimpleString(text) => Reply::Status(text),
        BytesFrame::Error(text) => Reply::Error(text.to_string()),
        BytesFrame::Integer(n) => Reply::Int(n),
        BytesFrame::BulkString(value) => Reply::Bulk(value),
        BytesFrame::Array(items) => Reply::Array(items.into_iter().map(reply_of).collect()),
        BytesFrame::Null => Reply::Nil,
    }
}

/// The reply in RESP2's own bytes: the response format `resp2`.
/// <https://upstash.com/docs/redis/features/restapi#resp2-format-responses>
pub fn encode(reply: &Reply) -> Bytes {
    let frame = frame_of(reply);
    let mut buffer = vec![0; frame.encode_len(false)];
    match encode_bytes(&mut buffer, &frame, false) {
        Ok(length) => {
            buffer.truncate(length);
            Bytes::from(buffer)
        }
        Err(cause) => Bytes::from(format!("-ERR failed to encode the answer: {cause}\r\n")),
    }
}

fn frame_of(reply: &Reply) -> BytesFrame {
    match reply {
        Reply::Status(text) => BytesFrame::SimpleString(text.clone()),
        Reply::Error(text) => BytesFrame::Error(text.as_str().into()),
        Reply::Int(n) => BytesFrame::Integer(*n),
        Reply::Bulk(value) => BytesFrame::BulkString(value.clone()),
        Reply::Array(items) => BytesFrame::Array(items.iter().map(frame_of).collect()),
        Reply::Nil => BytesFrame::Null,
    }
}
