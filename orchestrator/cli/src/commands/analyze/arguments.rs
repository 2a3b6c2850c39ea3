//! What the command line of `ragdoll analyze` says.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;
use ragdoll_trace::{Reader, format_names};

use super::stretch::Stretch;

const AFTER_HELP: &str = "\
A recording may be of any length: of one with more than --max-spans spans an even share of the traces is \
analysed, each whole, and the report says which share.

Examples:
  An incident against a quiet hour, each a file or a folder of traces, logs and metrics:
    ragdoll analyze incident/ --baseline quiet.json.gz --html incident.html
  One recording, of which the minute from second 120 on is to be explained by what came before:
    zcat traces.jsonl.gz | ragdoll analyze - --window 120..180

Exit codes:
  0  analysed, whether or not there is a bottleneck
  2  the command line has a mistake
  3  nothing could be read, or the page could not be written
  4  not enough data to tell";

fn after_help() -> String {
    format!(
        "Formats are told by the content, not by the name: {}; plain, gzip or zstd. What is broken is \
         left out or put right, and counted.\n\n{AFTER_HELP}",
        format_names()
    )
}

/// What to analyse and how.
#[derive(Debug, Args)]
#[command(after_help = after_help())]
pub(crate) struct Arguments {
    /// Files or folders of traces, with the logs and metrics beside them; `-` is standard input
    #[arg(required = true, value_name = "TRACES")]
    pub(super) traces: Vec<PathBuf>,
    /// Files or folders of a time when all was well. They may be older, and of another day
    #[arg(long, value_name = "TRACES", num_args = 1..)]
    pub(super) baseline: Vec<PathBuf>,
    /// Files or folders of metrics of the same time as TRACES
    #[arg(long, value_name = "FILES", num_args = 1..)]
    pub(super) metrics: Vec<PathBuf>,
    /// Files or folders of log lines of the same time as TRACES
    #[arg(long, value_name = "FILES", num_args = 1..)]
    pub(super) logs: Vec<PathBuf>,
    /// Time to explain: two RFC 3339 times, or seconds from the first span; either may be missing,
    /// as in `90..` [default: all of TRACES; without a baseline, where requests change for the worse]
    #[arg(long, value_name = "START..END")]
    pub(super) window: Option<Stretch>,
    /// Time to compare with [default: all of --baseline, else all that comes before --window]
    #[arg(long, value_name = "START..END")]
    pub(super) baseline_window: Option<Stretch>,
    /// Operation of the root spans that are compared [default: the one that takes the most time]
    #[arg(long, value_name = "NAME")]
    pub(super) operation: Option<String>,
    /// Write a page with pictures to this file too
    #[arg(long, value_name = "FILE")]
    pub(super) html: Option<PathBuf>,
    /// Print the result as JSON in place of the report
    #[arg(long)]
    pub(super) json: bool,
    /// Rows that each table of the report shows
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    pub(super) top: u64,
    /// Spans that are held in memory at once, each a few hundred bytes with what is worked out of it. Of
    /// a longer recording whole traces are left out, chosen by their ids and alike in TRACES and
    /// --baseline; rates are scaled up to what there was
    #[arg(long, value_name = "N", default_value_t = Reader::SPANS_HELD as u64, value_parser = clap::value_parser!(u64).range(1_000..=1_000_000_000))]
    pub(super) max_spans: u64,
}

impl Arguments {
    pub(super) fn max_spans(&self) -> NonZeroUsize {
        let spans = usize::try_from(self.max_spans).unwrap_or(usize::MAX);
        NonZeroUsize::new(spans).unwrap_or(NonZeroUsize::MIN)
    }
}
