//! What instances are called, and in which order they are shown.

use ragdoll_analyser::{Load, Saturation};

use crate::figures::share;

/// A process as reports call it: by its instance where that tells the service, as `llm-0` does.
pub(crate) fn party(service: &str, instance: &str) -> String {
    match instance {
        "" => service.to_owned(),
        _ if instance.starts_with(service) => instance.to_owned(),
        _ => format!("{service} at {instance}"),
    }
}

/// A share in use; one that no gauge says, but spans show, is marked as about right.
pub(crate) fn in_use(load: &Load, busy: f64) -> String {
    let about = if load.is_inferred { "~" } else { "" };
    format!("{about}{}", share(busy))
}

/// The busiest instances first; those whose use is not known follow by the requests they have open.
pub(crate) fn busiest_first(all: &mut [&Saturation]) {
    let busy = |one: &Saturation| one.now.utilization.unwrap_or(-1.0);
    all.sort_by(|a, b| {
        let open = b.now.concurrency.total_cmp(&a.now.concurrency);
        busy(b).total_cmp(&busy(a)).then(open)
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_is_called_by_its_name_where_that_tells_the_service() {
        assert_eq!(party("llm", "llm-0"), "llm-0");
        assert_eq!(party("llm", "10.0.0.3:80"), "llm at 10.0.0.3:80");
        assert_eq!(party("llm", ""), "llm");
    }
}
