//! Random bytes for ids, drawn from the runtime many at a time: a batch needs some for each of its logs, and each draw
//! enters JavaScript.

use std::cell::RefCell;

/// Bytes drawn at once: those of 128 ids. Web Crypto gives at most 65,536
/// (<https://www.w3.org/TR/WebCryptoAPI/#Crypto-method-getRandomValues>).
const DRAWN: usize = 1_280;

struct Pool {
    bytes: [u8; DRAWN],
    /// Those before it were given out.
    used: usize,
}

thread_local! {
    static POOL: RefCell<Pool> = const { RefCell::new(Pool { bytes: [0; DRAWN], used: DRAWN }) };
}

/// Bytes that nobody else gets.
///
/// # Errors
/// When the runtime gives none, as outside of a request.
pub fn bytes<const N: usize>() -> Result<[u8; N], getrandom::Error> {
    const { assert!(N <= DRAWN) };
    POOL.with_borrow_mut(|pool| {
        if pool.used + N > DRAWN {
            pool.used = DRAWN;
            getrandom::fill(&mut pool.bytes)?;
            pool.used = 0;
        }
        let mut given = [0; N];
        if let Some(fresh) = pool.bytes.get_mut(pool.used..pool.used + N) {
            given.copy_from_slice(fresh);
            fresh.fill(0);
        }
        pool.used += N;
        Ok(given)
    })
}
