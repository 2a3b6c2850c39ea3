//! The list of all kinds.

use ragdoll_fault_spec::{Catalog, KindInfo, ParamError};
use serde_json::Value;

use crate::decision::{Fault, Kind};
use crate::faults::{
    latency::Latency, lock_contention::LockContention, oom::Oom, queueing::Queueing,
};

macro_rules! kinds {
    ($($kind:ty),+ $(,)?) => {
        fn infos() -> Vec<KindInfo> {
            vec![$(<$kind as Kind>::INFO),+]
        }

        fn resolve(kind: &str, params: &Value) -> Result<Value, ParamError> {
            $(if kind == <$kind as Kind>::INFO.name { return resolve_as::<$kind>(params); })+
            Err(unknown(kind))
        }

        fn build(kind: &str, params: &Value) -> Result<Box<dyn Fault>, ParamError> {
            $(if kind == <$kind as Kind>::INFO.name {
                return Ok(Box::new(parse::<$kind>(params)?));
            })+
            Err(unknown(kind))
        }

        fn schema(kind: &str) -> schemars::Schema {
            $(if kind == <$kind as Kind>::INFO.name { return schemars::schema_for!($kind); })+
            schemars::json_schema!({ "type": "object", "additionalProperties": false })
        }
    };
}

kinds![Latency, LockContention, Oom, Queueing];

/// The catalogue of every kind that this crate has.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults;

impl Faults {
    /// A fault ready to act.
    ///
    /// # Errors
    /// As [`Catalog::resolve`].
    pub fn build(&self, kind: &str, params: &Value) -> Result<Box<dyn Fault>, ParamError> {
        build(kind, params)
    }
}

impl Catalog for Faults {
    fn kinds(&self) -> Vec<KindInfo> {
        infos()
    }

    fn resolve(&self, kind: &str, params: &Value) -> Result<Value, ParamError> {
        resolve(kind, params)
    }

    fn params_schema(&self, kind: &str) -> schemars::Schema {
        schema(kind)
    }
}

fn unknown(kind: &str) -> ParamError {
    let names: Vec<&str> = infos().iter().map(|info| info.name).collect();
    ParamError {
        key: None,
        message: format!("belong to the unknown kind `{kind}`"),
        fix: format!("use one of {}", names.join(", ")),
    }
}

fn parse<K: Kind>(params: &Value) -> Result<K, ParamError> {
    let parsed: K = serde_json::from_value(params.clone()).map_err(|error| from_serde(&error))?;
    parsed.check()?;
    Ok(parsed)
}

fn resolve_as<K: Kind>(params: &Value) -> Result<Value, ParamError> {
    let parsed = parse::<K>(params)?;
    Ok(serde_json::to_value(parsed).expect("parameters are plain data"))
}

/// serde names the key in backticks where it knows it, and what it would have taken after
/// "expected".
fn from_serde(error: &serde_json::Error) -> ParamError {
    let text = error.to_string();
    let key = text.split('`').nth(1).map(str::to_owned);
    let (message, fix) = match text.split_once(", expected ") {
        Some((_, expected)) if text.starts_with("unknown field") => (
            "is not a parameter of this kind".to_owned(),
            format!("use {expected}"),
        ),
        Some((found, expected)) => (format!("does not fit ({found})"), format!("use {expected}")),
        None if text.starts_with("missing field") => {
            ("is missing".to_owned(), "add it to `params`".to_owned())
        }
        None => (
            format!("does not fit ({text})"),
            "see `ragdoll schema`".to_owned(),
        ),
    };
    let names_key = text.starts_with("unknown field") || text.starts_with("missing field");
    ParamError {
        key: key.filter(|_| names_key),
        message,
        fix,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn parameters_get_their_defaults() {
        let params = json!({ "hold": { "fixed": { "ms": 40 } } });
        let resolved = Faults.resolve("lock_contention", &params).expect("valid");
        assert_eq!(
            resolved,
            json!({ "hold": { "fixed": { "ms": 40.0 } }, "scope": "global" })
        );
    }

    #[test]
    fn mistakes_name_the_parameter_and_the_way_out() {
        let message = |kind: &str, params: Value| {
            Faults
                .resolve(kind, &params)
                .expect_err("a mistake")
                .to_string()
        };
        let found = [
            message("latency", json!({})),
            message("latency", json!({ "delay": { "fixed": { "ms": -1 } } })),
            message("latency", json!({ "delai": { "fixed": { "ms": 1 } } })),
            message("queueing", json!({ "servers": 0 })),
            message("queueing", json!({})),
            message("oom", json!({ "budget_bytes": "4G" })),
            message("gremlins", json!({})),
        ];
        insta::assert_snapshot!(found.join("\n"));
    }

    #[test]
    fn every_kind_has_a_schema_and_acts_on_something() {
        for info in Faults.kinds() {
            assert!(
                info.edges || !info.services.is_empty(),
                "{} acts on nothing",
                info.name
            );
            let schema = Faults.params_schema(info.name);
            assert!(
                schema.get("properties").is_some(),
                "{} has no parameters",
                info.name
            );
        }
    }
}
