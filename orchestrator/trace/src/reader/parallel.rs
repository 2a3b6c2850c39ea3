//! Reading of chunks on several threads, with the same result as on one.

use std::num::NonZeroUsize;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use super::chunks::Chunk;
use crate::part::Part;

/// Chunks that wait for, or are in the hands of, one thread.
const CHUNKS_PER_THREAD: usize = 2;
/// How many bytes are on their way at most, where one chunk alone is not more.
const MAX_BYTES_UNDER_WAY: usize = 64 << 20;

/// Turns every chunk into a part and hands the parts on in the order of the chunks. Chunk n goes
/// to thread n modulo their number, so that the order is kept without a queue of results.
pub(super) fn in_order(
    threads: NonZeroUsize,
    mut next: impl FnMut() -> Option<Chunk>,
    read: impl Fn(Chunk) -> Part + Sync,
    mut take: impl FnMut(Part),
) {
    let (first, second) = match (next(), threads.get()) {
        (None, _) => return,
        (Some(first), 1) => (first, None),
        // A source of one chunk is not worth the threads.
        (Some(first), _) => (first, next()),
    };
    let Some(second) = second else {
        take(read(first));
        let others = std::iter::from_fn(next);
        others.for_each(|chunk| take(read(chunk)));
        return;
    };
    thread::scope(|scope| {
        let workers: Vec<(SyncSender<Chunk>, Receiver<Part>)> = (0..threads.get())
            .map(|_| {
                let (to_worker, chunks) = sync_channel::<Chunk>(CHUNKS_PER_THREAD);
                let (to_us, parts) = sync_channel(CHUNKS_PER_THREAD);
                let read = &read;
                scope.spawn(move || {
                    for chunk in chunks {
                        if to_us.send(read(chunk)).is_err() {
                            return;
                        }
                    }
                });
                (to_worker, parts)
            })
            .collect();
        let (mut sent, mut taken) = (0, 0);
        let mut sizes = std::collections::VecDeque::new();
        let mut under_way = 0;
        let mut take_oldest = |taken: &mut usize| {
            let (_, parts) = &workers[*taken % workers.len()];
            *taken += 1;
            take(parts.recv().expect("a thread answers every chunk"));
        };
        let chunks = [first, second].into_iter().chain(std::iter::from_fn(next));
        for chunk in chunks {
            let size = chunk.bytes.len();
            let full = |waiting: usize, bytes: usize| {
                waiting >= workers.len() * CHUNKS_PER_THREAD
                    || (waiting > 0 && bytes + size > MAX_BYTES_UNDER_WAY)
            };
            while full(sent - taken, under_way) {
                take_oldest(&mut taken);
                under_way -= sizes.pop_front().unwrap_or(0);
            }
            under_way += size;
            sizes.push_back(size);
            let (to_worker, _) = &workers[sent % workers.len()];
            to_worker
                .send(chunk)
                .expect("a thread lives as long as its channel");
            sent += 1;
        }
        while taken < sent {
            take_oldest(&mut taken);
        }
        drop(workers);
    });
}
