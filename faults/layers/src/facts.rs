//! What a decision may depend on, besides chance.

use http::HeaderMap;
use ragdoll_fault_spec::Match;
use ragdoll_telemetry::RequestContext;
use ragdoll_telemetry::names::{BAGGAGE_DOCUMENT_BYTES, BAGGAGE_TOPIC};

/// What is known of a request where it meets a fault.
#[derive(Clone, Copy, Debug, Default)]
pub struct Facts<'a> {
    /// The request as its context describes it; absent where no request is meant.
    pub context: Option<&'a RequestContext>,
    /// Headers of the call.
    pub headers: Option<&'a HeaderMap>,
    /// Path of the call, such as `/ragdoll.v1.Shard/Query`.
    pub operation: &'a str,
    /// Requests that met the fault at this place before, in this process: on an edge, of the same
    /// caller to the same callee.
    pub number: u64,
    /// Of them, those in the current second of the run.
    pub in_second: u64,
    /// Time since the fault last came into force.
    pub since_start_us: u64,
    /// When that was, in microseconds of the run.
    pub started_us: u64,
    /// Time since the process that meets the fault was started; of a caller, its own.
    pub up_us: u64,
}

impl Facts<'_> {
    /// Request id; empty where no request is meant.
    pub fn request_id(&self) -> &str {
        self.context.map_or("", |context| &context.request_id)
    }

    /// User id; empty where no request is meant.
    pub fn user_id(&self) -> &str {
        self.context.map_or("", |context| &context.user_id)
    }

    /// An entry of the request's baggage, as a whole number.
    fn baggage(&self, key: &str) -> Option<u64> {
        self.context?.baggage_entry(key)?.parse().ok()
    }

    /// Whether a request has all that is asked of it.
    pub(crate) fn fit(&self, wanted: &Match) -> bool {
        let Match {
            user,
            topic,
            operation,
            header,
            document_bytes_min,
        } = wanted;
        let has_user = user.as_deref().is_none_or(|user| user == self.user_id());
        let has_operation = operation
            .as_deref()
            .is_none_or(|path| path == self.operation);
        has_user
            && has_operation
            && topic.is_none_or(|topic| self.baggage(BAGGAGE_TOPIC) == Some(topic.into()))
            && document_bytes_min.is_none_or(|least| {
                self.baggage(BAGGAGE_DOCUMENT_BYTES)
                    .is_some_and(|bytes| bytes >= least)
            })
            && header.as_ref().is_none_or(|wanted| {
                let found = self.headers.and_then(|headers| headers.get(&wanted.name));
                found.is_some_and(|value| value.as_bytes() == wanted.value.as_bytes())
            })
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use ragdoll_fault_spec::HeaderMatch;

    use super::*;

    #[test]
    fn all_that_is_asked_must_hold() {
        let context = RequestContext::new("7", "user-1")
            .with_baggage(BAGGAGE_TOPIC, 3)
            .with_baggage(BAGGAGE_DOCUMENT_BYTES, 9_000);
        let mut headers = HeaderMap::new();
        headers.insert("x-tenant", HeaderValue::from_static("acme"));
        let facts = Facts {
            context: Some(&context),
            headers: Some(&headers),
            operation: "/v1/query",
            ..Facts::default()
        };
        let fits = |change: fn(&mut Match)| {
            let mut wanted = Match::default();
            change(&mut wanted);
            facts.fit(&wanted)
        };
        assert!(fits(|_| {}));
        assert!(fits(|wanted| wanted.user = Some("user-1".to_owned())));
        assert!(!fits(|wanted| wanted.user = Some("user-2".to_owned())));
        assert!(fits(|wanted| wanted.topic = Some(3)));
        assert!(!fits(|wanted| wanted.topic = Some(4)));
        assert!(fits(|wanted| wanted.document_bytes_min = Some(9_000)));
        assert!(!fits(|wanted| wanted.document_bytes_min = Some(9_001)));
        assert!(!fits(|wanted| wanted.operation = Some("/v1".to_owned())));
        let tenant = |name: &str, value: &str| {
            Some(HeaderMatch {
                name: name.to_owned(),
                value: value.to_owned(),
            })
        };
        let mut wanted = Match {
            topic: Some(3),
            header: tenant("x-tenant", "acme"),
            ..Match::default()
        };
        assert!(facts.fit(&wanted));
        wanted.topic = Some(4);
        assert!(!facts.fit(&wanted), "one of two is not enough");
        wanted = Match {
            header: tenant("x-tenant", "umbrella"),
            ..Match::default()
        };
        assert!(!facts.fit(&wanted));
    }
}
