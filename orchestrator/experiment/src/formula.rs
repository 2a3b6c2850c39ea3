//! CEL expressions over the phases' figures.

use std::collections::{BTreeMap, BTreeSet};

use cel::common::ast::Expr;
use cel::{Context, ExecutionError, IdedExpr, Program, Value};
use ragdoll_model::Service;

use crate::spec_error::suggest;

/// Figures of a phase that are one number.
pub(crate) const NUMBERS: [&str; 11] = [
    "requests",
    "offered_per_s",
    "throughput_per_s",
    "error_rate",
    "mean_ms",
    "p50_ms",
    "p95_ms",
    "p99_ms",
    "recall",
    "precision",
    "duration_s",
];

/// Figures of a phase that are a number for each service.
pub(crate) const MAPS: [&str; 2] = ["utilization", "share"];

/// Values that expressions are tried on; two, so that both sides of most conditions are evaluated.
const MADE_UP: [f64; 2] = [1e-3, 1e6];

/// A service's name as an identifier of CEL.
pub(crate) fn identifier(service: &str) -> String {
    service.replace('-', "_")
}

/// The figures of one phase. What was not measured is absent.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct PhaseFigures {
    pub(crate) numbers: BTreeMap<&'static str, f64>,
    pub(crate) maps: BTreeMap<&'static str, BTreeMap<String, f64>>,
}

/// The figures of every phase by its name.
pub(crate) type Figures = BTreeMap<String, PhaseFigures>;

/// What is wrong with an expression: in words that follow its key, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FormulaProblem {
    pub(crate) message: String,
    pub(crate) fix: String,
}

impl FormulaProblem {
    fn new(message: impl Into<String>, fix: impl Into<String>) -> Self {
        FormulaProblem {
            message: message.into(),
            fix: fix.into(),
        }
    }
}

/// A compiled expression.
#[derive(Debug)]
pub(crate) struct Formula {
    program: Program,
}

impl Formula {
    /// Compiles an expression and tries it on made-up figures of the given phases of a system that
    /// has these services.
    pub(crate) fn check<'p>(
        source: &str,
        phases: impl IntoIterator<Item = &'p str>,
        services: &[Service],
    ) -> Result<Self, FormulaProblem> {
        let formula = Formula::compile(source)?;
        let phases: Vec<&str> = phases.into_iter().collect();
        for value in MADE_UP {
            let phases = phases.iter();
            let figures = phases.map(|name| ((*name).to_owned(), made_up(value, services)));
            let figures: Figures = figures.collect();
            for figure in formula.names().figures {
                check_figure(&figure, &figures)?;
            }
            formula.evaluate(&figures)?;
        }
        Ok(formula)
    }

    fn names(&self) -> Names {
        let mut names = Names::default();
        names.visit(self.program.expression());
        names
    }

    /// Compiles an expression.
    pub(crate) fn compile(source: &str) -> Result<Self, FormulaProblem> {
        match Program::compile(source) {
            Ok(program) => Ok(Formula { program }),
            Err(error) => {
                let first = error.errors.first();
                let (message, column) = match first {
                    Some(error) => (plain(&error.msg), error.pos.1),
                    None => ("it does not parse".to_owned(), 0),
                };
                Err(FormulaProblem::new(
                    format!("does not compile: at column {column} of the expression, {message}"),
                    "write a comparison such as `slow.p95_ms > 2.0 * steady.p95_ms`",
                ))
            }
        }
    }

    /// Whether the expression is true of the figures.
    pub(crate) fn evaluate(&self, figures: &Figures) -> Result<bool, FormulaProblem> {
        let mut context = Context::default();
        for (name, phase) in figures {
            let added = context.add_variable(name.as_str(), fields(phase));
            added.expect("a map of numbers is a value of CEL");
        }
        match self.program.execute(&context) {
            Ok(Value::Bool(holds)) => Ok(holds),
            Ok(value) => Err(FormulaProblem::new(
                format!("gives a {}, not true or false", value.type_of()),
                "compare the value with something",
            )),
            Err(error) => Err(explain(&error)),
        }
    }

    /// The figures that the expression mentions, such as `slow.share.llm`, with their values.
    pub(crate) fn values(&self, figures: &Figures) -> Vec<(String, Option<f64>)> {
        let value = |path: &Vec<String>| match path.as_slice() {
            [phase, number] => figures.get(phase)?.numbers.get(number.as_str()).copied(),
            [phase, map, service] => figures
                .get(phase)?
                .maps
                .get(map.as_str())?
                .get(service)
                .copied(),
            _ => None,
        };
        let paths = self
            .names()
            .figures
            .into_iter()
            .filter(|path| path.len() > 1);
        paths.map(|path| (path.join("."), value(&path))).collect()
    }

    /// Names of the phases that the expression mentions.
    pub(crate) fn phases(&self) -> BTreeSet<String> {
        let paths = self.names().figures.into_iter();
        paths.filter_map(|path| path.into_iter().next()).collect()
    }
}

/// The parser's message on one line, without its list of all tokens that could follow.
fn plain(message: &str) -> String {
    let message = message.lines().next().unwrap_or_default();
    let message = message.strip_prefix("Syntax error: ").unwrap_or(message);
    let message = message.split(" expecting ").next().unwrap_or_default();
    message.replace("'<EOF>'", "at its end")
}

fn explain(error: &ExecutionError) -> FormulaProblem {
    if let ExecutionError::UnsupportedBinaryOperator(
        _,
        Value::Int(_) | Value::Float(_),
        Value::Int(_) | Value::Float(_),
    ) = error
    {
        return FormulaProblem::new(
            "calculates with a whole and a decimal number",
            "figures are decimal numbers: write `2.0` instead of `2`",
        );
    }
    let fix = match error {
        ExecutionError::NoSuchOverload(_) | ExecutionError::UnsupportedBinaryOperator(..) => {
            "compare and calculate with numbers only"
        }
        ExecutionError::UndeclaredReference(_) => "use the functions and operators of CEL",
        _ => "see the fields of a phase: `requests`, `p95_ms`, `error_rate`, `share.llm`, …",
    };
    FormulaProblem::new(format!("cannot be evaluated: {error}"), fix)
}

/// One object of all figures, which the context turns into a map.
fn fields(phase: &PhaseFigures) -> serde_json::Value {
    let numbers = phase.numbers.iter();
    let numbers = numbers.map(|(name, value)| ((*name).to_owned(), (*value).into()));
    let maps = phase.maps.iter();
    let maps = maps.map(|(name, map)| ((*name).to_owned(), serde_json::json!(map)));
    numbers.chain(maps).collect()
}

/// Figures that have every name, so that an expression over them fails only if it is wrong.
fn made_up(value: f64, services: &[Service]) -> PhaseFigures {
    let services = || {
        let names = services.iter().map(|service| identifier(service.name()));
        names.map(|name| (name, value)).collect()
    };
    PhaseFigures {
        numbers: NUMBERS.into_iter().map(|name| (name, value)).collect(),
        maps: MAPS.into_iter().map(|name| (name, services())).collect(),
    }
}

fn check_figure(path: &[String], figures: &Figures) -> Result<(), FormulaProblem> {
    let [phase, rest @ ..] = path else {
        return Ok(());
    };
    let Some(known) = figures.get(phase) else {
        return Err(FormulaProblem::new(
            format!("mentions `{phase}`, which is not a phase"),
            suggest(phase, figures.keys().map(String::as_str)),
        ));
    };
    let [field, rest @ ..] = rest else {
        return Ok(());
    };
    match (known.maps.get(field.as_str()), rest) {
        (None, _) if known.numbers.contains_key(field.as_str()) => Ok(()),
        (None, _) => Err(FormulaProblem::new(
            format!("mentions `{phase}.{field}`, which a phase does not have"),
            suggest(field, NUMBERS.into_iter().chain(MAPS)),
        )),
        (Some(map), [service, ..]) if !map.contains_key(service) => Err(FormulaProblem::new(
            format!("mentions `{phase}.{field}.{service}`, which is not a service"),
            suggest(service, map.keys().map(String::as_str)),
        )),
        (Some(_), _) => Ok(()),
    }
}

/// Collects the names in an expression that are not bound inside it, with the fields that are
/// selected from them.
#[derive(Default)]
struct Names {
    bound: Vec<String>,
    figures: Vec<Vec<String>>,
}

impl Names {
    fn visit(&mut self, node: &IdedExpr) {
        if let Some(path) = path_of(node) {
            if !self.bound.contains(&path[0]) && !self.figures.contains(&path) {
                self.figures.push(path);
            }
            return;
        }
        match &node.expr {
            Expr::Call(call) => {
                call.target.iter().for_each(|target| self.visit(target));
                call.args.iter().for_each(|argument| self.visit(argument));
            }
            Expr::Select(select) => self.visit(&select.operand),
            Expr::List(list) => list.elements.iter().for_each(|element| self.visit(element)),
            Expr::Comprehension(inner) => {
                self.visit(&inner.iter_range);
                self.visit(&inner.accu_init);
                let bound = self.bound.len();
                self.bound.push(inner.iter_var.clone());
                self.bound.extend(inner.iter_var2.clone());
                self.bound.push(inner.accu_var.clone());
                self.visit(&inner.loop_cond);
                self.visit(&inner.loop_step);
                self.visit(&inner.result);
                self.bound.truncate(bound);
            }
            // Structures and maps have no use in a comparison of figures; evaluation on made-up
            // figures still sees the names in them.
            Expr::Ident(_)
            | Expr::Literal(_)
            | Expr::Map(_)
            | Expr::Struct(_)
            | Expr::Unspecified => {}
        }
    }
}

/// `a.b.c` as its segments; `None` for anything else.
fn path_of(node: &IdedExpr) -> Option<Vec<String>> {
    match &node.expr {
        Expr::Ident(name) => Some(vec![name.clone()]),
        Expr::Select(select) => {
            let mut path = path_of(&select.operand)?;
            path.push(select.field.clone());
            Some(path)
        }
        _ => None,
    }
}
