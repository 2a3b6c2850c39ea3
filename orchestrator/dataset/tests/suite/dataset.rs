//! Small data sets: their files, whoever makes them and in whatever shares.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::{Field, Row};
use ragdoll_dataset::{DatasetError, Options, Shard, Summary, generate};
use ragdoll_score::{CaseFolder, Part, Signal, read_manifest};
use ragdoll_trace::{Observations, Reader};

const WHOLE: Shard = Shard { index: 0, count: 1 };

fn options(cases: u64, seed: u64, out: &Path) -> Options {
    Options {
        cases,
        seed,
        out: out.to_owned(),
        shard: WHOLE,
        jobs: 2,
    }
}

/// Every file below a folder, by its path within it.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(folder).expect("it lies below");
            let bytes = fs::read(&path).expect("a file");
            found.insert(name.display().to_string(), bytes);
        }
    }
    found
}

fn assert_same(a: &BTreeMap<String, Vec<u8>>, b: &BTreeMap<String, Vec<u8>>) {
    let names =
        |files: &BTreeMap<String, Vec<u8>>| -> Vec<String> { files.keys().cloned().collect() };
    assert_eq!(names(a), names(b));
    for (name, bytes) in a {
        assert!(b[name] == *bytes, "{name} differs");
    }
}

/// A data set that several tests look at. It is made once for those that run at the same time, and
/// gone with the last of them.
struct Whole {
    folder: tempfile::TempDir,
    made: Summary,
}

impl Whole {
    const CASES: u64 = 6;
    const SEED: u64 = 9;

    fn get() -> Arc<Whole> {
        static SHARED: Mutex<Weak<Whole>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(whole) = shared.upgrade() {
            return whole;
        }
        let folder = tempfile::tempdir().expect("a folder");
        let options = options(Whole::CASES, Whole::SEED, folder.path());
        let made = generate(&options, || ()).expect("it is made");
        let whole = Arc::new(Whole { folder, made });
        *shared = Arc::downgrade(&whole);
        whole
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn cases(&self) -> impl Iterator<Item = CaseFolder> {
        let name = |number| format!("case-{number:06}");
        (0..Whole::CASES).map(move |number| CaseFolder::in_dataset(self.path(), &name(number)))
    }
}

/// Whoever makes them, at whatever time, and however many are made at once.
#[test]
fn shards_that_are_put_together_are_the_whole_to_the_byte() {
    let whole = Whole::get();
    let manifest = &whole.made.manifest;
    assert_eq!(read_manifest(whole.path()).expect("it is there"), *manifest);
    assert_eq!(manifest.cases, Whole::CASES);
    let folder = tempfile::tempdir().expect("a folder");
    let mut together = BTreeMap::new();
    let mut discarded: BTreeMap<String, u64> = BTreeMap::new();
    for index in 0..2 {
        let out = folder.path().join(format!("shard-{index}"));
        let mut options = options(Whole::CASES, Whole::SEED, &out);
        options.shard = Shard { index, count: 2 };
        options.jobs = 1 + index as usize;
        let made = generate(&options, || ()).expect("it is made");
        assert_eq!(made.manifest.shard, options.shard);
        for (reason, count) in made.manifest.discarded {
            *discarded.entry(reason).or_default() += count;
        }
        let mut files = files(&out);
        files.remove("dataset.json");
        together.append(&mut files);
    }
    let mut files = files(whole.path());
    files.remove("dataset.json");
    assert_same(&files, &together);
    assert_eq!(discarded, manifest.discarded);
}

#[test]
fn another_seed_gives_other_cases() {
    let (whole, other) = (Whole::get(), tempfile::tempdir().expect("a folder"));
    generate(&options(1, Whole::SEED + 1, other.path()), || ()).expect("it is made");
    let truth = |out: &Path| files(out)["cases/case-000000/truth.json"].clone();
    assert_ne!(truth(whole.path()), truth(other.path()));
}

#[test]
fn a_folder_with_something_in_it_and_a_shard_that_is_none_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("notes.txt"), "mine").expect("it can be written");
    let refused = generate(&options(1, 1, folder.path()), || ()).expect_err("it is not empty");
    assert!(matches!(&refused, DatasetError::NotEmpty { folder: named } if named == folder.path()));
    let mut options = options(1, 1, &folder.path().join("new"));
    options.shard = Shard { index: 2, count: 2 };
    let refused = generate(&options, || ()).expect_err("there is none");
    assert_eq!(
        refused.to_string(),
        "there is no shard 2 of 2: the first is 0/2, the last 1/2"
    );
    assert!(!options.out.exists());
}

fn unpacked(folder: &CaseFolder, part: Part, signal: Signal) -> Vec<u8> {
    let packed = fs::read(folder.telemetry_path(part, signal)).expect("a file");
    zstd::decode_all(packed.as_slice()).expect("it is compressed")
}

fn rows(folder: &CaseFolder, signal: Signal) -> Vec<Row> {
    let file = fs::File::open(folder.parquet_path(signal)).expect("a file");
    let reader = SerializedFileReader::new(file).expect("it is Parquet");
    let rows = reader.get_row_iter(None).expect("it has rows");
    rows.map(|row| row.expect("it can be read")).collect()
}

fn field<'r>(row: &'r Row, name: &str) -> &'r Field {
    let found = row.get_column_iter().find(|(column, _)| *column == name);
    found.unwrap_or_else(|| panic!("no column {name}")).1
}

fn text(row: &Row, name: &str) -> String {
    match field(row, name) {
        Field::Str(text) => text.clone(),
        Field::Null => String::new(),
        other => panic!("{name} is {other:?}"),
    }
}

fn part_name(part: Part) -> &'static str {
    match part {
        Part::Before => "before",
        Part::During => "during",
    }
}

/// Reads all that was written of a part as an analyser would.
fn observations(folder: &CaseFolder, part: Part) -> Observations {
    let mut reader = Reader::new();
    for (name, signal) in [
        ("spans", Signal::Traces),
        ("logs", Signal::Logs),
        ("metrics", Signal::Metrics),
    ] {
        let bytes = unpacked(folder, part, signal);
        reader.read(name, bytes.as_slice()).expect("our own form");
    }
    let (seen, report) = reader.finish();
    for source in &report.sources {
        assert_eq!(source.error_count, 0, "{:?}", report.notes());
    }
    seen
}

/// Every span as a line, from the tables.
fn spans_of_table(rows: &[Row], part: Part) -> BTreeSet<String> {
    let own = rows
        .iter()
        .filter(|row| text(row, "phase") == part_name(part));
    own.map(|row| {
        let attributes: serde_json::Value =
            serde_json::from_str(&text(row, "attributes")).expect("JSON");
        let count = attributes.as_object().expect("an object").len();
        let words = ["trace_id", "span_id", "parent_span_id", "instance", "name"];
        let words = words.map(|name| text(row, name)).join(" ");
        format!("{words} {:?} {count}", field(row, "start"))
    })
    .collect()
}

/// The same from what the reader of OTLP makes of the other files.
fn spans_of_lines(seen: &Observations) -> BTreeSet<String> {
    let set = &seen.traces;
    set.spans()
        .iter()
        .map(|span| {
            let parent = span.parent_id.map(|id| format!("{id:016x}"));
            format!(
                "{:032x} {:016x} {} {} {} {:?} {}",
                span.trace_id,
                span.span_id,
                parent.unwrap_or_default(),
                set.instance(span.resource),
                set.text(span.name),
                Field::Long(span.start_ns.cast_signed()),
                span.attributes.len()
            )
        })
        .collect()
}

#[test]
fn the_tables_hold_what_the_lines_hold_and_all_of_it_lies_in_its_part() {
    let whole = Whole::get();
    for case in whole.cases() {
        let truth = case.read_truth().expect("a truth");
        let tables = Signal::ALL.map(|signal| rows(&case, signal));
        for (part, stretch, indicators) in [
            (Part::Before, truth.before, truth.indicators_before),
            (Part::During, truth.during, truth.indicators_during),
        ] {
            let seen = observations(&case, part);
            let lines = spans_of_lines(&seen);
            assert_eq!(lines.len(), seen.traces.spans().len(), "no span twice");
            assert_eq!(spans_of_table(&tables[0], part), lines);
            let count = |table: &[Row]| {
                let own = table
                    .iter()
                    .filter(|row| text(row, "phase") == part_name(part));
                own.count()
            };
            assert_eq!(count(&tables[1]), seen.logs.len());
            assert_eq!(count(&tables[2]), seen.metrics.len());
            assert!(!seen.metrics.is_empty());

            let spans = seen.traces.spans();
            let queries = spans.iter().filter(|span| span.parent_id.is_none());
            let queries = queries.filter(|span| {
                let name = seen.traces.text(span.name);
                let within = (stretch.start_ns..stretch.end_ns).contains(&span.start_ns);
                assert!(within, "{name} starts outside of its part");
                name == "POST /v1/query"
            });
            assert_eq!(queries.count() as u64, indicators.requests);
            assert!(indicators.requests >= 100);
        }
    }
}

/// The truth names only what the telemetry shows, and says of each fault what it did.
#[test]
fn what_is_true_can_be_found_in_the_telemetry() {
    let whole = Whole::get();
    let by_kind = &whole.made.by_kind;
    assert!(by_kind.len() > 2, "{by_kind:?}");
    let mut faults = 0;
    for case in whole.cases() {
        let truth = case.read_truth().expect("a truth");
        let table = rows(&case, Signal::Traces);
        let services: BTreeSet<String> = table.iter().map(|row| text(row, "service")).collect();
        for fault in &truth.faults {
            faults += 1;
            assert!(truth.services.contains(&fault.service));
            assert!(services.contains(&fault.service), "{}", fault.service);
            assert!(!fault.moved.is_empty() && !fault.causes.is_empty());
            let (active, during) = (fault.active, truth.during);
            assert!(active.start_ns >= during.start_ns && active.end_ns <= during.end_ns);
            assert!(active.start_ns < active.end_ns);
        }
        let said = fs::read_to_string(case.truth_path()).expect("a truth");
        for row in &table {
            let name = text(row, "name");
            assert!(!name.contains("fault"), "{name} in {said}");
        }
    }
    assert!(faults > 0);
}
