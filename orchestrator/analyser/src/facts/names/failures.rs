//! What the words of an error mean. Every system has its own for a lost patience, a full queue or a
//! service that is not there; this table is the only place that knows them.

use self::Meaning::{
    Absent, Cancelled, Conflict, Exhausted, Full, Late, Limited, MaybeFull, Nothing,
};
use self::Test::{Is, Says};

/// What kind of failure an error name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The caller stopped waiting.
    Deadline,
    /// The callee gave up a transaction that stood in another's way.
    Conflict,
    /// The callee takes no more from the caller for now: it says so, or answers 429, which RFC 6585 (section 4)
    /// defines as that.
    RateLimit,
    /// The callee had no room, or keeps to a limit.
    Exhausted,
    /// The callee had no room: it says so.
    Overflow,
    /// The callee had no room, or was not there.
    MaybeOverflow,
    /// Anything else.
    Other,
}

/// What a row of the table tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    /// Patience ended.
    Late,
    /// The caller took its call back.
    Cancelled,
    /// More was asked than a limit lets through.
    Limited,
    /// No room, or more than a limit lets through.
    Exhausted,
    /// No room.
    Full,
    /// No room, or nobody there.
    MaybeFull,
    /// Nobody there, or nobody is asked any more.
    Absent,
    /// Two transactions stood in each other's way.
    Conflict,
    /// Words that only look like one of the others.
    Nothing,
}

/// How a row is compared with an error.
#[derive(Clone, Copy, Debug)]
enum Test {
    /// The whole error, without regard to case.
    Is(&'static str),
    /// Whole words in this order, small letters. Names such as `SocketTimeoutException` and
    /// `DEADLINE_EXCEEDED` are taken apart into theirs.
    Says(&'static str),
}

/// The first row that applies counts: what is more special stands before what is less so.
const MEANINGS: [(Test, Meaning); 92] = [
    (Is("504"), Late),
    (Is("408"), Late),
    (Is("499"), Cancelled),
    (Is("429"), Limited),
    (Is("503"), MaybeFull),
    (Is("40001"), Conflict),
    (Is("40p01"), Conflict),
    (Is("canceled"), Cancelled),
    (Is("cancelled"), Cancelled),
    (Is("aborted"), Conflict),
    (Is("unavailable"), Absent),
    (Is("timeout"), Late),
    // Arguments of which only the name sounds like it.
    (Says("invalid timeout"), Nothing),
    (Says("illegal timeout"), Nothing),
    (Says("negative timeout"), Nothing),
    (Says("unsupported timeout"), Nothing),
    (Says("unknown timeout"), Nothing),
    (Says("timeout must"), Nothing),
    (Says("timeout should"), Nothing),
    (Says("timeout value"), Nothing),
    (Says("timeout parameter"), Nothing),
    (Says("no timeout"), Nothing),
    // A wait for a lock is given up for another's sake, though by the clock.
    (Says("lock wait timeout"), Conflict),
    (Says("lock timeout"), Conflict),
    (Says("deadlock"), Conflict),
    (Says("deadlocked"), Conflict),
    (Says("could not serialize access"), Conflict),
    (Says("cannot serialize transaction"), Conflict),
    (Says("serialization failure"), Conflict),
    (Says("optimistic lock"), Conflict),
    (Says("optimistic locking"), Conflict),
    (Says("write conflict"), Conflict),
    (Says("transaction aborted"), Conflict),
    (Says("code aborted"), Conflict),
    (Says("resource exhausted"), Exhausted),
    (Says("too many requests"), Limited),
    (Says("too many connections"), Full),
    (Says("too many clients"), Full),
    (Says("rate limit"), Limited),
    (Says("rate limited"), Limited),
    (Says("rate limiter"), Limited),
    (Says("request not permitted"), Limited),
    (Says("throttled"), Limited),
    (Says("throttling"), Limited),
    (Says("quota exceeded"), Limited),
    (Says("bulkhead"), Full),
    (Says("rejected execution"), Full),
    (Says("queue full"), Full),
    (Says("queue is full"), Full),
    (Says("slow down"), Limited),
    (Says("upstream overflow"), Full),
    (Says("overloaded"), Full),
    (Says("circuit breaker"), Absent),
    (Says("circuit open"), Absent),
    (Says("circuit is open"), Absent),
    (Says("open circuit"), Absent),
    (Says("broken circuit"), Absent),
    (Says("call not permitted"), Absent),
    (Says("deadline exceeded"), Late),
    (Says("deadline expired"), Late),
    (Says("timed out"), Late),
    (Says("timeout"), Late),
    (Says("timeouts"), Late),
    (Says("etimedout"), Late),
    (Says("esockettimedout"), Late),
    (Says("service unavailable"), MaybeFull),
    (Says("context canceled"), Cancelled),
    (Says("context cancelled"), Cancelled),
    (Says("code canceled"), Cancelled),
    (Says("code cancelled"), Cancelled),
    (Says("canceled error"), Cancelled),
    (Says("cancelled error"), Cancelled),
    (Says("cancellation exception"), Cancelled),
    (Says("canceled exception"), Cancelled),
    (Says("cancelled exception"), Cancelled),
    (Says("request canceled"), Cancelled),
    (Says("request cancelled"), Cancelled),
    (Says("abort error"), Cancelled),
    (Says("client abort"), Cancelled),
    (Says("client disconnected"), Cancelled),
    (Says("downstream disconnect"), Cancelled),
    (Says("econnrefused"), Absent),
    (Says("connection refused"), Absent),
    (Says("connect exception"), Absent),
    (Says("connect error"), Absent),
    (Says("connection failure"), Absent),
    (Says("code unavailable"), Absent),
    (Says("no healthy upstream"), Absent),
    (Says("no route to host"), Absent),
    (Says("no such host"), Absent),
    (Says("enotfound"), Absent),
    (Says("unknown host"), Absent),
];

/// Bytes of an error that are looked at: what it is is said at its beginning.
const BYTES_MAX: usize = 400;

pub(crate) fn failure(error: &str) -> Failure {
    match meaning(error) {
        Some(Late | Cancelled) => Failure::Deadline,
        Some(Limited) => Failure::RateLimit,
        Some(Exhausted) => Failure::Exhausted,
        Some(Full) => Failure::Overflow,
        Some(MaybeFull) => Failure::MaybeOverflow,
        Some(Conflict) => Failure::Conflict,
        Some(Absent | Nothing) | None => Failure::Other,
    }
}

/// Whether a call says that its caller took it back.
pub(crate) fn is_cancellation(error: &str) -> bool {
    meaning(error) == Some(Cancelled)
}

/// Whether a service says that it, or what it needs, is not there.
pub(crate) fn is_absence(error: &str) -> bool {
    matches!(meaning(error), Some(Absent | MaybeFull))
}

/// Whether an error says something that the table knows.
pub(crate) fn is_telling(error: &str) -> bool {
    meaning(error).is_some()
}

fn meaning(error: &str) -> Option<Meaning> {
    let mut words = None;
    let row = MEANINGS.iter().find(|(test, _)| match test {
        Is(code) => error.eq_ignore_ascii_case(code),
        Says(said) => {
            let words: &mut String = words.get_or_insert_with(|| words_of(error));
            contains_words(words, said)
        }
    });
    row.map(|&(_, meaning)| meaning)
}

/// The words of an error in small letters with one space between them.
fn words_of(error: &str) -> String {
    let text = match error.char_indices().nth(BYTES_MAX) {
        Some((end, _)) => &error[..end],
        None => error,
    };
    let mut words = String::with_capacity(text.len() + 8);
    let mut before = ' ';
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        if !char.is_alphanumeric() {
            before = ' ';
            continue;
        }
        let is_hump = char.is_uppercase()
            && (before.is_lowercase()
                || (before.is_uppercase() && chars.peek().is_some_and(|next| next.is_lowercase())));
        if (before == ' ' || is_hump) && !words.is_empty() {
            words.push(' ');
        }
        words.extend(char.to_lowercase());
        before = char;
    }
    words
}

fn contains_words(words: &str, said: &str) -> bool {
    words.match_indices(said).any(|(at, _)| {
        let end = at + said.len();
        let begins = at == 0 || words.as_bytes()[at - 1] == b' ';
        let ends = end == words.len() || words.as_bytes()[end] == b' ';
        begins && ends
    })
}

/// The name of a number of gRPC, but of the one that is no failure.
pub(crate) fn grpc_name(number: i64) -> Option<&'static str> {
    const NAMES: [&str; 16] = [
        "CANCELLED",
        "UNKNOWN",
        "INVALID_ARGUMENT",
        "DEADLINE_EXCEEDED",
        "NOT_FOUND",
        "ALREADY_EXISTS",
        "PERMISSION_DENIED",
        "RESOURCE_EXHAUSTED",
        "FAILED_PRECONDITION",
        "ABORTED",
        "OUT_OF_RANGE",
        "UNIMPLEMENTED",
        "INTERNAL",
        "UNAVAILABLE",
        "DATA_LOSS",
        "UNAUTHENTICATED",
    ];
    let place = usize::try_from(number.checked_sub(1)?).ok()?;
    NAMES.get(place).copied()
}

/// What Envoy's short flags of a response stand for.
pub(crate) fn envoy_flag(flags: &str) -> Option<&'static str> {
    // Of several flags the first is the reason.
    let first = flags.split(',').next()?.trim();
    Some(match first {
        "UT" | "SI" | "DT" | "UMSDR" => "upstream timeout",
        "UO" => "upstream overflow",
        "RL" => "rate limited",
        "UH" => "no healthy upstream",
        "UF" => "upstream connection failure",
        "UC" | "UR" | "LR" => "connection reset",
        "DC" => "downstream disconnect",
        "NR" | "NC" => "no route",
        "URX" => "retries exhausted",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_apart_into_words() {
        for (error, words) in [
            (
                "java.net.SocketTimeoutException",
                "java net socket timeout exception",
            ),
            ("DEADLINE_EXCEEDED", "deadline exceeded"),
            ("HTTPTimeoutError", "http timeout error"),
            ("rpc error: code = Canceled", "rpc error code canceled"),
            ("ETIMEDOUT", "etimedout"),
            ("", ""),
            ("--É", "é"),
        ] {
            assert_eq!(words_of(error), words, "{error}");
        }
    }

    #[test]
    fn words_are_found_whole() {
        assert!(contains_words("read timeout", "timeout"));
        assert!(!contains_words("sometimeouts", "timeout"));
        assert!(!contains_words("some time out of memory", "timeout"));
        assert!(contains_words("timeoutish timeout", "timeout"));
    }

    #[test]
    fn an_error_has_one_meaning() {
        for (error, expected) in [
            ("DEADLINE_EXCEEDED", Failure::Deadline),
            ("CANCELLED", Failure::Deadline),
            ("timeout", Failure::Deadline),
            ("408", Failure::Deadline),
            (
                "psycopg2.errors.QueryCanceled: canceling statement due to statement timeout",
                Failure::Deadline,
            ),
            (
                "Lock wait timeout exceeded; try restarting transaction",
                Failure::Conflict,
            ),
            ("DeadlockLoserDataAccessException", Failure::Conflict),
            ("deadlock detected", Failure::Conflict),
            ("ABORTED", Failure::Conflict),
            ("The operation was aborted", Failure::Other),
            ("ThrottlingException", Failure::RateLimit),
            ("openai.RateLimitError", Failure::RateLimit),
            ("429", Failure::RateLimit),
            ("RESOURCE_EXHAUSTED", Failure::Exhausted),
            ("503", Failure::MaybeOverflow),
            ("Service Unavailable", Failure::MaybeOverflow),
            ("5031", Failure::Other),
            ("TimeoutMustBePositive", Failure::Other),
            ("the order was cancelled", Failure::Other),
            ("UNAVAILABLE", Failure::Other),
            ("", Failure::Other),
        ] {
            assert_eq!(failure(error), expected, "{error}");
        }
        assert!(is_absence("UNAVAILABLE") && is_absence("503") && !is_absence("504"));
        assert!(is_absence(
            "dial tcp 10.0.0.7:80: connect: connection refused"
        ));
        assert!(is_cancellation("499") && is_cancellation("asyncio.CancelledError"));
        assert!(!is_cancellation("DEADLINE_EXCEEDED"));
    }

    #[test]
    fn numbers_of_grpc_have_their_names() {
        let names = [0, 1, 4, 8, 10, 14, 16, 17, -1, i64::MIN].map(grpc_name);
        let known = [
            "CANCELLED",
            "DEADLINE_EXCEEDED",
            "RESOURCE_EXHAUSTED",
            "ABORTED",
        ];
        assert_eq!(names[0], None);
        assert_eq!(names[1..5], known.map(Some));
        assert_eq!(names[5..7], [Some("UNAVAILABLE"), Some("UNAUTHENTICATED")]);
        assert_eq!(names[7..], [None; 3]);
    }

    /// What the table says of a text longer than anybody reads is said in no time.
    #[test]
    fn long_errors_are_read_to_a_bound() {
        let long = "é".repeat(1_000_000) + " timeout";
        assert_eq!(failure(&long), Failure::Other);
    }
}
