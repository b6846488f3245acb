//! Viewers of the live tail, on a thread of their own: what they read must not be waited for by what is measured.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread::JoinHandle,
};

use futures_util::{SinkExt, StreamExt};
use tokio::{sync::watch, task::JoinSet};
use tokio_tungstenite::{connect_async, tungstenite::Message};

/// Viewers that look on until they are dropped.
pub struct Viewers {
    frames: Arc<AtomicU64>,
    end: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl Viewers {
    /// So many, spread over these traces; returns when all of them look on.
    pub fn open(port: u16, count: usize, traces: &[String]) -> Viewers {
        let (end, ended) = watch::channel(false);
        let (ready, all_ready) = std::sync::mpsc::channel();
        let frames = Arc::new(AtomicU64::new(0));
        let urls: Vec<String> = traces
            .iter()
            .cycle()
            .take(count)
            .map(|trace| format!("ws://127.0.0.1:{port}/logs/tail?trace_id={trace}"))
            .collect();
        let seen = frames.clone();
        let thread = std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async move {
                let mut viewers = JoinSet::new();
                for url in urls {
                    let (mut socket, _) = connect_async(url).await.expect("a tail opens");
                    let (seen, mut ended) = (seen.clone(), ended.clone());
                    viewers.spawn(async move {
                        loop {
                            let message = tokio::select! {
                                message = socket.next() => message,
                                _ = ended.changed() => return,
                            };
                            let Some(Ok(Message::Text(text))) = message else { return };
                            seen.fetch_add(1, Ordering::Relaxed);
                            if text.as_str() == r#"{"type":"ack"}"# {
                                let _ = socket.send(Message::text("ack")).await;
                            }
                        }
                    });
                }
                let _ = ready.send(());
                while viewers.join_next().await.is_some() {}
            });
        });
        all_ready.recv().expect("all tails open");
        Viewers { frames, end, thread: Some(thread) }
    }

    /// Frames that came so far.
    pub fn frames(&self) -> u64 {
        self.frames.load(Ordering::Relaxed)
    }
}

impl Drop for Viewers {
    fn drop(&mut self) {
        let _ = self.end.send(true);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
