//! The report as text for a terminal.

use std::collections::BTreeMap;
use std::iter::once;

use crate::interval::Share;
use crate::report::{Counts, Grades, MethodReport, Ranks, Report};
use crate::table::Table;
use crate::wrong::{Confusion, WrongAnswer};

/// Picks the ranks of one level.
type Level = fn(&Grades) -> Ranks;

/// The report as tables. What is by kind of fault, and what is confused with what, is that of the first
/// method; the others' is in the JSON form.
pub fn text(report: &Report) -> String {
    let mut text = String::new();
    head(report, &mut text);
    if report.cases.one_fault > 0 {
        let levels: [(&str, Level); 3] = [
            ("service", |grades| grades.service),
            ("instance", |grades| grades.instance),
            ("service and cause", |grades| grades.cause),
        ];
        for (name, ranks) in levels {
            one_fault(report, name, ranks, &mut text);
        }
    }
    verdicts(report, &mut text);
    several_faults(report, &mut text);
    false_alarms(report, &mut text);
    by_kind(report, &mut text);
    if let Some(method) = report.methods.first() {
        confusion(method, &mut text);
        wrong_answers(method, &mut text);
    }
    wrong_cases(report, &mut text);
    foot(report, &mut text);
    text
}

fn head(report: &Report, text: &mut String) {
    let Counts {
        one_fault,
        several_faults,
        decoys,
        healthy,
    } = report.cases;
    text.push_str(&format!(
        "{}: {one_fault} with one fault, {several_faults} with several, {decoys} with decoys alone, \
         {healthy} healthy; {} spans\n",
        cases(report.cases.total()),
        report.spans
    ));
    if report.calls_alone {
        text.push_str(
            "methods saw spans of calls alone: nothing within a service, no logs, no metrics\n",
        );
    }
    if !report.discarded.is_empty() {
        let reasons = report.discarded.iter();
        let reasons: Vec<String> = reasons
            .map(|(reason, cases)| format!("{cases} {reason}"))
            .collect();
        text.push_str(&format!("left out when made: {}\n", reasons.join(", ")));
    }
}

fn one_fault(report: &Report, name: &str, ranks: Level, text: &mut String) {
    let of = report.methods.first();
    let of = of.map_or(0, |method| ranks(&method.one_fault).top1.of);
    if of == 0 {
        return;
    }
    text.push_str(&format!("\nOne fault, {name} ({})\n", cases(of)));
    let mut table = Table::new(["method", "Top@1", "Top@3", "Avg@5"].map(str::to_owned));
    for method in &report.methods {
        let Ranks { top1, top3, avg5 } = ranks(&method.one_fault);
        let shares = [top1, top3, avg5].map(|share| with_interval(&share));
        table.row(once(method.name.clone()).chain(shares));
    }
    table.write(text);
}

fn verdicts(report: &Report, text: &mut String) {
    let of = report.cases.one_fault;
    if of == 0 {
        return;
    }
    let number = cases(of);
    text.push_str(&format!(
        "\nOne fault, where only an alarm counts ({number})\n"
    ));
    let head = ["method", "no alarm", "service", "service and cause"];
    let mut table = Table::new(head.map(str::to_owned));
    for method in &report.methods {
        let verdicts = &method.verdicts;
        let shares = [verdicts.missed, verdicts.service, verdicts.cause];
        let shares = shares.map(|share| with_interval(&share));
        table.row(once(method.name.clone()).chain(shares));
    }
    table.write(text);
}

fn several_faults(report: &Report, text: &mut String) {
    let of = report.cases.several_faults;
    if of == 0 {
        return;
    }
    text.push_str(&format!(
        "\nSeveral faults, all in the top 3 ({})\n",
        cases(of)
    ));
    let mut table = Table::new(["method", "service", "service and cause"].map(str::to_owned));
    for method in &report.methods {
        let found = &method.several_faults;
        let shares = [found.service, found.cause].map(|share| with_interval(&share));
        table.row(once(method.name.clone()).chain(shares));
    }
    table.write(text);
}

fn false_alarms(report: &Report, text: &mut String) {
    let of = report.cases.healthy + report.cases.decoys;
    if of == 0 {
        return;
    }
    text.push_str(&format!("\nNo fault, false alarms ({})\n", cases(of)));
    let mut table = Table::new(["method", "all", "healthy", "decoys"].map(str::to_owned));
    for method in &report.methods {
        let alarms = &method.false_alarms;
        let shares = [alarms.all, alarms.healthy, alarms.decoys].map(|share| with_interval(&share));
        table.row(once(method.name.clone()).chain(shares));
    }
    table.write(text);
}

fn by_kind(report: &Report, text: &mut String) {
    let Some((first, others)) = report.methods.split_first() else {
        return;
    };
    if first.by_kind.is_empty() {
        return;
    }
    text.push_str(&format!(
        "\nOne fault, Top@1 by kind of fault: {}, and the others' service\n",
        first.name
    ));
    let head = ["kind", "cases", "service", "service and cause"].map(str::to_owned);
    let names = others.iter().map(|method| method.name.clone());
    let mut table = Table::new(head.into_iter().chain(names));
    for (kind, grades) in &first.by_kind {
        let own = [
            kind.clone(),
            grades.service.top1.of.to_string(),
            with_interval(&grades.service.top1),
            with_interval(&grades.cause.top1),
        ];
        let others = others.iter().map(|method| {
            let grades = method.by_kind.get(kind);
            grades.map_or_else(String::new, |grades| percent(&grades.service.top1))
        });
        table.row(own.into_iter().chain(others));
    }
    table.write(text);
}

fn confusion(method: &MethodReport, text: &mut String) {
    if method.confusion.is_empty() {
        return;
    }
    text.push_str(&format!(
        "\nOne fault, first answer of {} by true cause\n",
        method.name
    ));
    let lines = method.confusion.iter().map(|row| {
        let Confusion { cause, cases, said } = row;
        let right = said.get(cause).copied().unwrap_or(0);
        (
            format!("{cause} {right} of {cases}"),
            wrong_words(said, cause),
        )
    });
    write_pairs(&lines.collect::<Vec<_>>(), text);
}

fn wrong_words(said: &BTreeMap<String, u64>, right: &str) -> String {
    let mut others: Vec<(&String, &u64)> = said.iter().filter(|(said, _)| *said != right).collect();
    others.sort_by_key(|&(_, times)| std::cmp::Reverse(times));
    let words = others
        .into_iter()
        .map(|(said, times)| format!("{said} {times}"));
    words.collect::<Vec<_>>().join(", ")
}

fn wrong_answers(method: &MethodReport, text: &mut String) {
    if method.wrong_answers.is_empty() {
        return;
    }
    text.push_str(&format!(
        "\nOne fault, most frequent wrong answers of {} by kind of fault\n",
        method.name
    ));
    let lines = method.wrong_answers.iter().map(|(kind, answers)| {
        let words = answers
            .iter()
            .map(|WrongAnswer { answer, cases }| format!("{answer} {cases}"));
        (kind.clone(), words.collect::<Vec<_>>().join(", "))
    });
    write_pairs(&lines.collect::<Vec<_>>(), text);
}

fn write_pairs(lines: &[(String, String)], text: &mut String) {
    let widths = lines.iter().map(|(left, _)| left.chars().count());
    let width = widths.max().unwrap_or(0);
    for (left, right) in lines {
        let line = format!("  {left:<width$}  {right}");
        text.push_str(line.trim_end());
        text.push('\n');
    }
}

/// Cases that the first method got wrong, with what is true and what it said.
fn wrong_cases(report: &Report, text: &mut String) {
    if report.wrong_cases.is_empty() {
        return;
    }
    let method = report.methods.first().map_or("", |method| &method.name);
    let number = cases(report.wrong_cases.len() as u64);
    text.push_str(&format!("\nWrong answers of {method} ({number})\n"));
    for case in &report.wrong_cases {
        let or = |words: &[String], none: &str| match words {
            [] => none.to_owned(),
            words => words.join("; "),
        };
        let silent = if case.alarm {
            ""
        } else {
            "no alarm; likeliest "
        };
        text.push_str(&format!(
            "  {}\n    true  {}\n    said  {silent}{}\n",
            case.case,
            or(&case.truth, "healthy"),
            or(&case.said, "nothing")
        ));
    }
}

fn foot(report: &Report, text: &mut String) {
    text.push_str("\nMethods\n");
    let lines: Vec<_> = report
        .methods
        .iter()
        .map(|method| (method.name.clone(), method.about.clone()))
        .collect();
    write_pairs(&lines, text);
    text.push_str(&format!(
        "Percentages with 95 % intervals (Wilson). Ranks count whether or not the method raises an \
         alarm.\nNaive methods give no cause; theirs is always `{}`, \
         the most frequent.\n",
        report.naive_cause
    ));
    if !report.notes.is_empty() {
        text.push_str(&format!(
            "Telemetry that was scored although not all of it is well: {}, in the JSON form\n",
            count(report.notes.len() as u64, "note")
        ));
    }
    if !report.problems.is_empty() {
        text.push_str(&format!(
            "Not scored: {}\n",
            count(report.problems.len() as u64, "problem")
        ));
        for problem in &report.problems {
            text.push_str(&format!("  {problem}\n"));
        }
    }
}

fn percent(share: &Share) -> String {
    match share.share {
        Some(share) => format!("{:.1}", 100.0 * share),
        None => "-".to_owned(),
    }
}

fn with_interval(share: &Share) -> String {
    match share.interval {
        Some([low, high]) => format!(
            "{} [{:.1}, {:.1}]",
            percent(share),
            100.0 * low,
            100.0 * high
        ),
        None => "-".to_owned(),
    }
}

fn cases(number: u64) -> String {
    count(number, "case")
}

fn count(number: u64, thing: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{number} {thing}{ending}")
}
