//! The control API of a running system.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use ragdoll_experiment::{parse_fault, parse_fault_json};
use ragdoll_fault_layers::Faults;
use ragdoll_fault_spec::{Catalog as _, FaultSpec, Target};
use ragdoll_model::{Service, Topology};
use serde_json::{Value, json};

use super::openapi;
use super::session::Session;
use super::views::{Changed, FaultView, Refused};

type Shared = Arc<Session>;

/// Every route.
pub(super) fn router(session: Shared) -> Router {
    let guarded = Router::new()
        .route("/v1/status", get(status))
        .route("/v1/kinds", get(kinds))
        .route("/v1/faults", get(list).put(replace))
        .route("/v1/faults/{id}", get(show).put(put).delete(remove))
        .route("/v1/targets/{target}/{verb}", post(verb))
        .layer(from_fn_with_state(session.clone(), authorized));
    Router::new()
        .route("/readyz", get(|| async { "ready" }))
        .route("/openapi.json", get(|| async { Json(openapi::document()) }))
        .merge(guarded)
        .with_state(session)
}

/// Lets nobody pass who cannot show the token, where there is one.
async fn authorized(State(session): State<Shared>, request: Request, next: Next) -> Response {
    let shown = request.headers().get(AUTHORIZATION);
    let shown = shown.and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
    let passes = session
        .token()
        .is_none_or(|token| shown.is_some_and(|shown| are_equal(shown, token.as_bytes())));
    if passes {
        return next.run(request).await;
    }
    let refused = Refused::because(
        "the request does not show this system's token",
        "send it as `Authorization: Bearer TOKEN`",
    );
    let mut response = (StatusCode::UNAUTHORIZED, Json(refused)).into_response();
    let challenge = HeaderValue::from_static("Bearer");
    response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    response
}

/// Compares in a time that depends on the lengths alone, so that nobody learns a token byte by byte.
fn are_equal(one: &[u8], other: &[u8]) -> bool {
    let differing = one.iter().zip(other).fold(0, |sum, (a, b)| sum | (a ^ b));
    one.len() == other.len() && differing == 0
}

/// A request that cannot be granted.
struct Refusal(StatusCode, Refused);

impl From<Refused> for Refusal {
    fn from(refused: Refused) -> Self {
        Refusal(StatusCode::UNPROCESSABLE_ENTITY, refused)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.0, Json(self.1)).into_response()
    }
}

async fn status(State(session): State<Shared>) -> Json<Value> {
    let served = session.served();
    Json(json!({
        "version": env!("CARGO_PKG_VERSION"),
        "instances": served.instances,
        "faults": session.list().len(),
    }))
}

async fn kinds() -> Json<Value> {
    let kinds = Faults
        .kinds()
        .into_iter()
        .map(|kind| json!({ "kind": kind, "params": Faults.params_schema(kind.name) }));
    Json(Value::Array(kinds.collect()))
}

async fn list(State(session): State<Shared>) -> Json<Vec<FaultView>> {
    Json(session.list())
}

async fn show(
    State(session): State<Shared>,
    Path(id): Path<String>,
) -> Result<Json<FaultView>, Refusal> {
    session.get(&id).map(Json).ok_or_else(|| no_fault(&id))
}

async fn put(
    State(session): State<Shared>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: String,
) -> Result<Response, Refusal> {
    check_id(&id)?;
    let fault = read(&body, is_json(&headers, &body), &id, session.topology())?;
    let changed = session.put(&id, fault).await?;
    answer(&session, &id, changed)
}

fn answer(session: &Session, id: &str, changed: Changed) -> Result<Response, Refusal> {
    let status = match changed {
        Changed::Added => StatusCode::CREATED,
        Changed::Changed | Changed::Unchanged => StatusCode::OK,
    };
    let fault = session.get(id).ok_or_else(|| no_fault(id))?;
    let body = json!({ "result": changed, "fault": fault });
    Ok((status, Json(body)).into_response())
}

async fn replace(
    State(session): State<Shared>,
    headers: HeaderMap,
    body: String,
) -> Result<Json<Value>, Refusal> {
    let wanted = read_all(&body, is_json(&headers, &body), session.topology())?;
    let result = session.replace(wanted).await?;
    Ok(Json(json!({ "result": result, "faults": session.list() })))
}

async fn remove(State(session): State<Shared>, Path(id): Path<String>) -> StatusCode {
    // That there is none of this name is what was asked for.
    session.remove(&id).await;
    StatusCode::NO_CONTENT
}

/// What is done to a whole process or its network, and what takes it back.
const VERBS: [(&str, &str, &str); 3] = [
    ("crash", "restart", "crash"),
    ("hang", "resume", "hang"),
    ("partition", "heal", "partition"),
];

/// Two verbs for each lasting state: the one brings it about, the other ends it.
async fn verb(
    State(session): State<Shared>,
    Path((target, verb)): Path<(String, String)>,
) -> Result<Response, Refusal> {
    let known = VERBS
        .iter()
        .find(|(begin, end, _)| verb == *begin || verb == *end);
    let Some((begin, _, kind)) = known else {
        let names: Vec<&str> = VERBS
            .iter()
            .flat_map(|(begin, end, _)| [*begin, *end])
            .collect();
        let message = format!("there is no verb {verb:?}");
        return Err(Refused::because(message, format!("use one of {}", names.join(", "))).into());
    };
    let id = format!("{kind}-{target}");
    check_id(&id)?;
    if verb != *begin {
        session.remove(&id).await;
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let fault = FaultSpec::new(*kind, target_named(&target), json!({}));
    let text = serde_json::to_string(&fault).expect("plain data has a JSON form");
    let fault = read(&text, true, &id, session.topology())?;
    let changed = session.put(&id, fault).await?;
    answer(&session, &id, changed)
}

/// A service where its name is given, else an instance.
fn target_named(name: &str) -> Target {
    match Service::from_name(name) {
        Some(service) => Target::service(service),
        None => Target::instance(name),
    }
}

fn no_fault(id: &str) -> Refusal {
    let refused = Refused::because(format!("there is no fault {id:?}"), "see GET /v1/faults");
    Refusal(StatusCode::NOT_FOUND, refused)
}

fn check_id(id: &str) -> Result<(), Refused> {
    let fits =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte);
    if (1..=64).contains(&id.len()) && id.bytes().all(fits) {
        return Ok(());
    }
    Err(Refused::because(
        format!("the id {id:?} is none"),
        "use up to 64 lower-case letters, digits, `-` and `_`",
    ))
}

/// Whether a body is JSON: its type says so, or where that says nothing its first character does.
fn is_json(headers: &HeaderMap, body: &str) -> bool {
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    match kind {
        Some(kind) if kind.contains("json") => true,
        Some(kind) if kind.contains("toml") => false,
        _ => body.trim_start().starts_with('{'),
    }
}

fn read(text: &str, is_json: bool, name: &str, topology: &Topology) -> Result<FaultSpec, Refused> {
    let parsed = match is_json {
        true => parse_fault_json(text, name, topology, &Faults),
        false => parse_fault(text, name, topology, &Faults),
    };
    Ok(parsed?)
}

/// A table of faults by id.
fn read_all(
    text: &str,
    is_json: bool,
    topology: &Topology,
) -> Result<BTreeMap<String, FaultSpec>, Refused> {
    let fix = "send a table of faults by their ids";
    let table: BTreeMap<String, Value> = match is_json {
        true => serde_json::from_str(text)
            .map_err(|error| Refused::because(format!("the faults are not JSON: {error}"), fix))?,
        false => toml::from_str(text)
            .map_err(|error| Refused::because(format!("the faults are not TOML: {error}"), fix))?,
    };
    let mut wanted = BTreeMap::new();
    for (id, value) in table {
        check_id(&id)?;
        let fault = read(&value.to_string(), true, &id, topology).map_err(|mut refused| {
            for reason in &mut refused.errors {
                let key = reason.key.as_str();
                reason.key = if key.is_empty() {
                    id.clone()
                } else {
                    format!("{id}.{key}")
                };
            }
            refused
        })?;
        wanted.insert(id, fault);
    }
    Ok(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_the_same_or_it_is_not() {
        assert!(are_equal(b"secret", b"secret"));
        assert!(!are_equal(b"secre", b"secret"));
        assert!(!are_equal(b"secrets", b"secret"));
        assert!(!are_equal(b"", b"secret"));
    }

    #[test]
    fn both_forms_of_a_fault_are_read_alike() {
        let topology = Topology::default();
        let toml = "kind = \"latency\"\ntarget = { service = \"llm\" }\nparams = { delay = { fixed = { ms = 5.0 } } }";
        let json = r#"{ "kind": "latency", "target": { "service": "llm" }, "params": { "delay": { "fixed": { "ms": 5.0 } } } }"#;
        let read = |text: &str| {
            let is_json = is_json(&HeaderMap::new(), text);
            read(text, is_json, "slow", &topology).expect("a sound fault")
        };
        assert_eq!(read(toml), read(json));
        let both = read_all(
            &format!("{{ \"a\": {json}, \"b\": {json} }}"),
            true,
            &topology,
        );
        assert_eq!(both.expect("sound faults").len(), 2);
    }

    #[test]
    fn a_mistake_names_its_fault_and_its_key() {
        let topology = Topology::default();
        let text = "[slow]\nkind = \"latency\"\ntarget = { service = \"lmm\" }\nparams = { delay = { fixed = { ms = -5.0 } } }";
        let refused = read_all(text, false, &topology).expect_err("mistakes");
        insta::assert_snapshot!(refused);
    }

    #[test]
    fn every_verb_has_its_counterpart_and_a_kind() {
        for (begin, end, kind) in VERBS {
            assert_ne!(begin, end);
            let info = Faults.kind(kind).expect("a kind");
            assert!(info.standing, "{kind}");
        }
    }
}
