//! Senders that are slow, that stall, and that are many: nobody else waits for them, and what they hold is given back.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use serde_json::json;
use support::{Client, Setup, Stage, fresh_trace, log, with};

/// Fails unless the worker takes and returns a log as usual.
async fn assert_well(worker: &Client) {
    let trace = fresh_trace();
    worker.post(log(&trace, "still here")).await.expect_status(200);
    assert_eq!(worker.messages(&trace).await, ["still here"]);
}

/// A body that says it is this long and comes one piece at a time, with a pause after each.
fn trickle(
    address: &str,
    head: &str,
    pieces: Vec<Vec<u8>>,
    pause: Duration,
) -> std::thread::JoinHandle<String> {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(40))).unwrap();
    let head = format!("POST /log HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{head}\r\n\r\n");
    std::thread::spawn(move || {
        let mut sent = stream.write_all(head.as_bytes());
        for piece in pieces {
            sent = sent.and_then(|()| stream.write_all(&piece));
            std::thread::sleep(pause);
        }
        let mut answer = Vec::new();
        let read = stream.read_to_end(&mut answer);
        assert!(!answer.is_empty(), "{sent:?} {read:?}");
        String::from_utf8_lossy(&answer).into_owned()
    })
}

#[tokio::test]
async fn a_body_that_trickles_in_is_taken_and_keeps_nobody_waiting() {
    let Some(stage) = Stage::start().await else { return };
    let address = stage.base().trim_start_matches("http://");
    let trace = fresh_trace();
    let pause = Duration::from_millis(250);
    let pieces = |count: usize, chunked: bool| -> Vec<Vec<u8>> {
        let text = log(&trace, "slow").to_string();
        let each = text.len().div_ceil(count);
        let chunk = |piece: &[u8]| [format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat();
        let pieces = text.as_bytes().chunks(each);
        match chunked {
            false => pieces.map(<[u8]>::to_vec).collect(),
            true => pieces.map(chunk).chain([b"0\r\n\r\n".to_vec()]).collect(),
        }
    };
    let length = log(&trace, "slow").to_string().len();
    let slow: Vec<_> = (0..20)
        .map(|number| match number % 2 {
            0 => trickle(address, &format!("Content-Length: {length}"), pieces(16, false), pause),
            _ => trickle(address, "Transfer-Encoding: chunked", pieces(16, true), pause),
        })
        .collect();
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(3) {
        let one = Instant::now();
        assert_well(&stage).await;
        assert!(one.elapsed() < Duration::from_secs(2), "a log took {:?}", one.elapsed());
    }
    for answer in slow {
        let answer = tokio::task::spawn_blocking(move || answer.join().unwrap()).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    assert_eq!(stage.messages(&trace).await.len(), 20);
    assert_well(&stage).await;
}

#[tokio::test]
async fn large_bodies_that_are_announced_and_never_come_keep_no_room() {
    let Some(stage) = Stage::start().await else { return };
    let address = stage.base().trim_start_matches("http://");
    let head = format!("Content-Length: {}", 8 << 20);
    let large = || vec![log("t", &"x".repeat(1 << 20)); 7];
    // They announce more than the worker holds at once, and send 20 bytes.
    let stalled: Vec<_> =
        (0..20).map(|_| trickle(address, &head, vec![b"[".to_vec()], Duration::ZERO)).collect();
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_well(&stage).await;
    stage.post(large()).await.expect_status(200);
    let begun = Instant::now();
    for answer in stalled {
        let answer = tokio::task::spawn_blocking(move || answer.join().unwrap()).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    }
    eprintln!("stalled senders were answered after {:?}", begun.elapsed());
    stage.post(large()).await.expect_status(200);
    assert_well(&stage).await;
}

#[tokio::test]
async fn large_bodies_that_stop_half_way_give_their_room_back() {
    // Hops so short that a request is given up before its body is: what it has in hand is given back all the same.
    let Some(stage) = Setup::generous().var("HOP_TIMEOUT_MS", "1000").start().await else { return };
    let address = stage.base().trim_start_matches("http://");
    let head = format!("POST /log HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n[", 8 << 20);
    // Each is more than half of what the worker holds; some senders go away, some stay and send no more.
    let mut open = Vec::new();
    for number in 0..12 {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_write_timeout(Some(Duration::from_secs(1))).unwrap();
        stream.write_all(head.as_bytes()).unwrap();
        let sent = stream.write_all(&vec![b' '; 7 << 20]);
        if number % 2 == 0 {
            open.push((stream, sent));
        }
    }
    let large = vec![log("t", &"x".repeat(1 << 20)); 7];
    let taken = || async { stage.post(large.clone()).await.status == 200 };
    support::wait_until("a large batch is taken", support::PATIENCE, taken).await;
    tokio::time::sleep(Duration::from_secs(11)).await;
    // Two at once: nothing at all is in hand any more.
    let (one, other) = tokio::join!(stage.post(large.clone()), stage.post(large.clone()));
    assert_eq!((one.status, other.status), (200, 200), "{} {}", one.text, other.text);
    assert_well(&stage).await;
    drop(open);
}

/// `ATTACK_CONCURRENCY` asks for more than this; each is a connection, and `ulimit -n` must allow more than twice as many.
const AT_ONCE: usize = 2_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_of_requests_at_once_are_all_answered() {
    let Some(stage) = Stage::start().await else { return };
    let asked = std::env::var("ATTACK_CONCURRENCY").ok().and_then(|text| text.parse().ok());
    let count: usize = asked.unwrap_or(AT_ONCE);
    let traces: Vec<String> = (0..100).map(|_| fresh_trace()).collect();
    let begun = Instant::now();
    let requests: Vec<_> = (0..count)
        .map(|number| {
            let (client, trace) = (Client::clone(&stage), traces[number % traces.len()].clone());
            tokio::spawn(async move {
                match number % 10 {
                    8 => client.post_as("application/json", &[], "{").await.status,
                    9 => client.get("/logs").await.status,
                    _ => client.post(with(&trace, json!({"id": number.to_string()}))).await.status,
                }
            })
        })
        .collect();
    for (number, request) in requests.into_iter().enumerate() {
        let status = request.await.unwrap();
        assert_eq!(status, if number % 10 < 8 { 200 } else { 400 }, "request {number}");
    }
    eprintln!("{count} requests at once: all answered in {:?}", begun.elapsed());
    let mut ids = Vec::new();
    for trace in &traces {
        ids.extend(stage.entries(trace).await.iter().map(|entry| entry["id"].as_str().unwrap().to_owned()));
    }
    let mut wanted: Vec<String> =
        (0..count).filter(|number| number % 10 < 8).map(|n| n.to_string()).collect();
    ids.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(ids, wanted);
    assert_well(&stage).await;
}
