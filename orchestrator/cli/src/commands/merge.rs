//! `ragdoll merge`.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use clap::Args;
use ragdoll_experiment::RunRecord;
use ragdoll_report::{RepeatPlan, RepeatSummary};

use crate::commands::repeat::{PLAN_FILE, RECORDS_FILE, cannot_write, seed_folder};
use crate::exit::Exit;

/// Stretches of missing seeds that are named at most.
const NAMED_MAX: usize = 20;

/// Parts to merge.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Folders that `run --repeat N --shard I/N` wrote
    #[arg(required = true, value_name = "PART")]
    parts: Vec<PathBuf>,
    /// Folder for the whole; must be empty where it exists
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
    /// Merge what there is where seeds are missing; what comes out is a part itself
    #[arg(long)]
    allow_missing: bool,
}

/// Puts the parts together. Nothing is written before all of them have been looked at.
pub(crate) fn merge(arguments: &Arguments) -> Exit {
    match merged(arguments) {
        Ok(exit) => exit,
        Err(failure) => {
            eprintln!("error: {}", failure.message);
            failure.exit
        }
    }
}

#[derive(Debug)]
struct Failure {
    exit: Exit,
    message: String,
}

fn mistake(message: String) -> Failure {
    Failure {
        exit: Exit::Usage,
        message,
    }
}

fn environment(message: String) -> Failure {
    Failure {
        exit: Exit::Environment,
        message,
    }
}

fn cannot_read(path: &Path, error: &std::io::Error) -> Failure {
    environment(format!("cannot read {}: {error}", path.display()))
}

fn merged(arguments: &Arguments) -> Result<Exit, Failure> {
    check_out(&arguments.out)?;
    let whole = Whole::read(&arguments.parts)?;
    let missing = whole.missing();
    if !missing.is_empty() {
        let count = missing.len();
        let all = whole.plan.repeat;
        let seeds = stretches(&whole.plan, &missing);
        let fact = format!("{count} of {all} seeds are missing: {seeds}");
        if !arguments.allow_missing {
            let fix = "run the shares they belong to, or merge the others with --allow-missing";
            return Err(mistake(format!("{fact}; {fix}")));
        }
        eprintln!("note: {fact}");
    }
    whole.write(&arguments.out)
}

/// What is merged must not mix with what lies there.
fn check_out(out: &Path) -> Result<(), Failure> {
    match std::fs::read_dir(out) {
        Ok(mut entries) => match entries.next() {
            Some(_) => {
                let out = out.display();
                let fix = "choose another with --out";
                Err(mistake(format!("the folder {out} is not empty: {fix}")))
            }
            None => Ok(()),
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(cannot_read(out, &error)),
    }
}

/// Where the record of a seed is.
#[derive(Clone, Copy, Debug)]
struct Place {
    /// Position among the parts.
    part: usize,
    start: u64,
    bytes: usize,
}

/// A repeated run in parts.
#[derive(Debug)]
struct Whole {
    plan: RepeatPlan,
    /// `plan` as it was written.
    plan_text: String,
    parts: Vec<PathBuf>,
    /// By the seed's position. The records themselves stay on disk: a thousand take 100 MB.
    places: BTreeMap<u64, Place>,
}

impl Whole {
    fn read(parts: &[PathBuf]) -> Result<Self, Failure> {
        let (plan, plan_text) = read_plan(&parts[0])?;
        let mut whole = Whole {
            plan,
            plan_text,
            parts: parts.to_vec(),
            places: BTreeMap::new(),
        };
        let mut ground = None;
        for number in 0..parts.len() {
            whole.add_part(number, &mut ground)?;
        }
        Ok(whole)
    }

    /// `ground` is where the records so far were made.
    fn add_part(&mut self, part: usize, ground: &mut Option<String>) -> Result<(), Failure> {
        let folder = self.parts[part].clone();
        let (plan, _) = read_plan(&folder)?;
        self.plan.expect_same(&plan).map_err(|difference| {
            let (first, this) = (self.parts[0].display(), folder.display());
            mistake(format!(
                "{first} and {this} are no parts of one run: {difference}"
            ))
        })?;
        let path = folder.join(RECORDS_FILE);
        let file = File::open(&path).map_err(|error| cannot_read(&path, &error))?;
        let mut reader = BufReader::new(file);
        let (mut line, mut start) = (Vec::new(), 0);
        for number in 1.. {
            line.clear();
            let read = reader.read_until(b'\n', &mut line);
            let bytes = read.map_err(|error| cannot_read(&path, &error))?;
            if bytes == 0 {
                break;
            }
            let here = format!("{}:{number}", path.display());
            let record = parse(&here, &line)?;
            let expected = ground.get_or_insert_with(|| record.ground.clone());
            if *expected != record.ground {
                let other = &record.ground;
                let problem = format!("a run on {other}, and those before it on {expected}");
                return Err(mistake(format!(
                    "{here}: {problem}; merge parts of one run"
                )));
            }
            let place = Place { part, start, bytes };
            self.add(&here, &record, place)?;
            start += bytes as u64;
        }
        Ok(())
    }

    fn add(&mut self, here: &str, record: &RunRecord, place: Place) -> Result<(), Failure> {
        let position = self.plan.position(record).map_err(|problem| {
            mistake(format!(
                "{here} does not belong to {PLAN_FILE} beside it: {problem}"
            ))
        })?;
        let seed = record.seed;
        let folder = self.parts[place.part].join(seed_folder(seed));
        if !record.files.is_empty() && !folder.is_dir() {
            let folder = folder.display();
            return Err(environment(format!(
                "the files of seed {seed} are not in {folder}"
            )));
        }
        if let Some(other) = self.places.insert(position, place) {
            let [one, other] = [other.part, place.part].map(|part| self.parts[part].display());
            return Err(mistake(format!(
                "seed {seed} is both in {one} and in {other}: give each part once"
            )));
        }
        Ok(())
    }

    fn missing(&self) -> Vec<u64> {
        let positions = 0..self.plan.repeat;
        let missing = positions.filter(|position| !self.places.contains_key(position));
        missing.collect()
    }

    /// Writes the whole, prints its summary, and tells how its worst run ended.
    fn write(&self, out: &Path) -> Result<Exit, Failure> {
        std::fs::create_dir_all(out).map_err(|error| {
            let out = out.display();
            environment(format!(
                "cannot create the folder {out}: {error}; choose another with --out"
            ))
        })?;
        let path = out.join(RECORDS_FILE);
        let failed = |error: std::io::Error| environment(cannot_write(&path, &error));
        let mut records = File::create(&path).map_err(failed)?;
        let mut files = self.open()?;
        let mut summary = RepeatSummary::default();
        let mut exit = Exit::Success;
        for place in self.places.values() {
            let folder = &self.parts[place.part];
            let line = read_line(&mut files[place.part], *place)
                .map_err(|error| cannot_read(&folder.join(RECORDS_FILE), &error))?;
            let record = parse(&folder.join(RECORDS_FILE).display().to_string(), &line)?;
            if !record.files.is_empty() {
                let seed = seed_folder(record.seed);
                copy(&folder.join(&seed), &out.join(&seed))?;
            }
            records.write_all(&line).map_err(failed)?;
            exit = exit.max(Exit::of(&record.outcome));
            summary.add(&record);
        }
        // Last, since a folder without it is no part: nobody takes half a merge for a whole.
        let path = out.join(PLAN_FILE);
        std::fs::write(&path, &self.plan_text)
            .map_err(|error| environment(cannot_write(&path, &error)))?;
        print!("{}", summary.text());
        Ok(exit)
    }

    fn open(&self) -> Result<Vec<File>, Failure> {
        let paths = self.parts.iter().map(|part| part.join(RECORDS_FILE));
        let files = paths.map(|path| File::open(&path).map_err(|error| cannot_read(&path, &error)));
        files.collect()
    }
}

fn read_plan(folder: &Path) -> Result<(RepeatPlan, String), Failure> {
    let path = folder.join(PLAN_FILE);
    let text = std::fs::read_to_string(&path).map_err(|error| {
        let (folder, path) = (folder.display(), path.display());
        environment(format!(
            "{folder} is no part of a repeated run: cannot read {path}: {error}"
        ))
    })?;
    let plan = RepeatPlan::from_json(&text)
        .map_err(|problem| mistake(format!("{}: {problem}", path.display())))?;
    Ok((plan, text))
}

fn parse(here: &str, line: &[u8]) -> Result<RunRecord, Failure> {
    let record = serde_json::from_slice(line);
    record.map_err(|error| {
        mistake(format!(
            "{here} is no record of a run: {error}; run that part again"
        ))
    })
}

fn read_line(file: &mut File, place: Place) -> std::io::Result<Vec<u8>> {
    let mut line = vec![0; place.bytes];
    file.seek(SeekFrom::Start(place.start))?;
    file.read_exact(&mut line)?;
    Ok(line)
}

/// Copies a folder with all that is in it.
fn copy(from: &Path, to: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(to).map_err(|error| environment(cannot_write(to, &error)))?;
    let entries = std::fs::read_dir(from).map_err(|error| cannot_read(from, &error))?;
    for entry in entries {
        let entry = entry.map_err(|error| cannot_read(from, &error))?;
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy(&from, &to)?;
        } else {
            std::fs::copy(&from, &to).map_err(|error| environment(cannot_write(&to, &error)))?;
        }
    }
    Ok(())
}

/// Seeds at these positions in words, such as `4, 7 to 9`.
fn stretches(plan: &RepeatPlan, positions: &[u64]) -> String {
    let mut stretches: Vec<[u64; 2]> = Vec::new();
    for &position in positions {
        match stretches.last_mut() {
            Some([_, last]) if *last + 1 == position => *last = position,
            _ => stretches.push([position, position]),
        }
    }
    let mut words: Vec<String> = Vec::new();
    for [first, last] in stretches.iter().take(NAMED_MAX) {
        let (from, to) = (plan.seed(*first), plan.seed(*last));
        match last - first {
            0 => words.push(from.to_string()),
            1 => words.extend([from.to_string(), to.to_string()]),
            _ => words.push(format!("{from} to {to}")),
        }
    }
    let more = stretches.len().saturating_sub(NAMED_MAX);
    if more > 0 {
        words.push(format!("and {more} more stretches"));
    }
    words.join(", ")
}
