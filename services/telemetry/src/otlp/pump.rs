//! From a queue to its destination, with patience that has an end.

use opentelemetry_sdk::error::OTelSdkError;
use ragdoll_runtime::Clock;
use tonic::Code;

use super::queue::Queue;

/// The most that one request holds. A span or a log line takes less than 1 kB, and receivers refuse
/// messages of more than 4 MB unless told otherwise.
const MOST_IN_REQUEST: usize = 2048;
/// How often a request is tried.
const ATTEMPTS: u32 = 40;
/// Wait before the second attempt. It doubles from one attempt to the next.
const FIRST_BACKOFF_US: u64 = 50_000;
/// Longest wait between attempts. A receiver that restarts is found again within this time.
const LONGEST_BACKOFF_US: u64 = 1_000_000;

/// Codes by which a receiver says that it will never take what it was sent.
const FINAL: [Code; 5] = [
    Code::InvalidArgument,
    Code::NotFound,
    Code::PermissionDenied,
    Code::Unauthenticated,
    Code::Unimplemented,
];

/// Why something was not delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// A further attempt may succeed.
    Passing,
    /// None will.
    Final,
}

impl Failure {
    pub(super) fn of_code(code: Code) -> Self {
        if FINAL.contains(&code) {
            Failure::Final
        } else {
            Failure::Passing
        }
    }

    /// The exporters' own judgement of what can be tried again is not used: they take a connection
    /// that breaks in mid-request for final. What they hand on of the answer is text that names
    /// its code.
    pub(super) fn of_exporter(error: &OTelSdkError) -> Self {
        let text = error.to_string();
        let says = |code: &Code| text.contains(&format!("gRPC code: {code:?}"));
        match FINAL.iter().find(|code| says(code)) {
            Some(code) => Failure::of_code(*code),
            None => Failure::Passing,
        }
    }
}

/// Somewhere that things can be delivered to.
pub(super) trait Deliver {
    type Item;

    /// Makes one attempt.
    async fn deliver(&self, items: &[Self::Item]) -> Result<(), Failure>;
}

/// Delivers what comes through `queue`, until its end.
pub(super) async fn pump<D: Deliver>(queue: &Queue<D::Item>, destination: D, clock: &Clock) {
    while let Some(items) = queue.next(MOST_IN_REQUEST).await {
        let delivered = tokio::select! {
            biased;
            () = queue.until_given_up() => false,
            delivered = attempts(queue, &items, &destination, clock) => delivered,
        };
        queue.settle(delivered);
    }
}

async fn attempts<D: Deliver>(
    queue: &Queue<D::Item>,
    items: &[D::Item],
    destination: &D,
    clock: &Clock,
) -> bool {
    let mut backoff_us = FIRST_BACKOFF_US;
    for attempt in 1..=ATTEMPTS {
        let delivered = destination.deliver(items).await;
        if delivered != Err(Failure::Passing) {
            queue.note_answer();
        }
        match delivered {
            Ok(()) => return true,
            Err(Failure::Final) => return false,
            Err(Failure::Passing) if attempt < ATTEMPTS => {
                clock.sleep_us(backoff_us).await;
                backoff_us = (backoff_us * 2).min(LONGEST_BACKOFF_US);
            }
            Err(Failure::Passing) => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use ragdoll_runtime::run_virtual;
    use std::cell::{Cell, RefCell};

    /// Fails `failures` times, then takes everything.
    struct Moody<'a> {
        failures: Cell<u32>,
        failure: Failure,
        attempts: &'a Cell<u32>,
        taken: &'a RefCell<Vec<usize>>,
    }

    impl Deliver for Moody<'_> {
        type Item = u32;

        async fn deliver(&self, items: &[u32]) -> Result<(), Failure> {
            self.attempts.set(self.attempts.get() + 1);
            match self.failures.get() {
                0 => self.taken.borrow_mut().push(items.len()),
                left => {
                    self.failures.set(left - 1);
                    return Err(self.failure);
                }
            }
            Ok(())
        }
    }

    struct Finding {
        attempts: u32,
        taken: Vec<usize>,
        lost: u64,
        took_us: u64,
    }

    fn pump_items(items: u32, failures: u32, failure: Failure) -> Finding {
        run_virtual(|clock| async move {
            let (attempts, taken) = (Cell::default(), RefCell::default());
            let queue = Queue::new(10_000);
            queue.push(0..items);
            queue.close();
            let moody = Moody {
                failures: Cell::new(failures),
                failure,
                attempts: &attempts,
                taken: &taken,
            };
            pump(&queue, moody, &clock).await;
            Finding {
                attempts: attempts.get(),
                taken: taken.take(),
                lost: queue.lost(),
                took_us: clock.now_us(),
            }
        })
    }

    #[test]
    fn a_request_holds_what_a_receiver_takes() {
        let finding = pump_items(5000, 0, Failure::Passing);
        assert_eq!(finding.taken, [2048, 2048, 904]);
        assert_eq!((finding.attempts, finding.lost, finding.took_us), (3, 0, 0));
    }

    #[test]
    fn a_receiver_that_comes_back_gets_everything() {
        let finding = pump_items(7, 6, Failure::Passing);
        assert_eq!(
            (finding.taken, finding.attempts, finding.lost),
            (vec![7], 7, 0)
        );
        let waits_ms = 50 + 100 + 200 + 400 + 800 + 1000;
        assert_eq!(finding.took_us, waits_ms * 1000);
    }

    #[test]
    fn patience_ends_and_the_next_request_gets_its_own() {
        let finding = pump_items(2050, ATTEMPTS, Failure::Passing);
        assert_eq!((finding.taken, finding.lost), (vec![2], 2048));
        assert_eq!(finding.attempts, ATTEMPTS + 1);
        assert!(finding.took_us < 40_000_000, "{} us", finding.took_us);
    }

    #[test]
    fn a_refusal_for_good_is_not_argued_with() {
        let finding = pump_items(7, 1, Failure::Final);
        assert_eq!((finding.attempts, finding.lost, finding.took_us), (1, 7, 0));
    }

    #[test]
    fn what_the_exporters_say_of_an_answer_is_understood() {
        let failure =
            |text: &str| Failure::of_exporter(&OTelSdkError::InternalFailure(text.into()));
        let refused = "TonicLogsClient export failed with gRPC code: Unimplemented";
        assert_eq!(failure(refused), Failure::Final);
        let broken = "TonicTracesClient export failed with gRPC code: Unknown: transport error";
        assert_eq!(failure(broken), Failure::Passing);
        assert_eq!(Failure::of_code(Code::Unavailable), Failure::Passing);
    }
}
