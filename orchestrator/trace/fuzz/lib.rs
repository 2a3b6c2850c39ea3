//! What every target tries with the bytes that it is given.

use std::num::NonZeroUsize;

use ragdoll_trace::{Observations, OtlpJsonWriter, Reader};

/// Reads the bytes as they are.
pub fn read(bytes: &[u8]) {
    let mut reader = Reader::with_threads(NonZeroUsize::MIN);
    // That it is refused is as good as any other outcome.
    let _ = reader.read("fuzz", bytes);
    check(reader);
}

/// Reads the bytes behind a beginning that usually makes the source one of a format. Where they break the
/// record that it begins, the rest may look like another format; but it does so each time.
pub fn read_behind(beginning: &[u8], bytes: &[u8]) {
    let mut reader = Reader::with_threads(NonZeroUsize::MIN);
    let source = [beginning, bytes].concat();
    reader
        .read("fuzz", &source[..])
        .expect("the beginning tells the format");
    reader.mark();
    reader.read("again", &source[..]).expect("it did before");
    let (mut seen, report) = reader.finish();
    assert_eq!(report.sources[0].format, report.sources[1].format);
    seen.separate(&report.mark);
    let (before, after) = seen.traces.spans().split_at(report.mark.spans);
    assert_eq!(before.len(), after.len());
    write_back(&seen);
}

fn check(reader: Reader) {
    let (seen, report) = reader.finish();
    assert_eq!(report.spans(), seen.traces.spans().len() as u64);
    assert!(report.notes().iter().all(|note| note.ends_with('.')));
    write_back(&seen);
}

/// What was read is well-formed: it can be written, and read again as it is.
fn write_back(seen: &Observations) {
    let spans = seen.traces.spans();
    assert!(spans.iter().all(|span| span.start_ns <= span.end_ns));
    let mut out = Vec::new();
    OtlpJsonWriter::new().write_batch(&mut out, &seen.traces, 0..spans.len());
    let mut reader = Reader::with_threads(NonZeroUsize::MIN);
    reader
        .read("written", &out[..])
        .expect("what is written has a format");
    let (again, report) = reader.finish();
    assert_eq!(report.sources[0].error_count, 0, "{:?}", report.notes());
    assert_eq!(again.traces.spans().len(), spans.len());
}
