//! What instances are called, and in which order they are shown.

use ragdoll_analyser::Saturation;

/// A process as reports call it: by its instance where that tells the service, as `llm-0` does.
pub(crate) fn party(service: &str, instance: &str) -> String {
    match instance {
        "" => service.to_owned(),
        _ if instance.starts_with(service) => instance.to_owned(),
        _ => format!("{service} at {instance}"),
    }
}

/// The busiest instances first; those without a gauge follow by the requests they have open.
pub(crate) fn busiest_first(all: &mut [&Saturation]) {
    let busy = |one: &Saturation| one.utilization.unwrap_or(-1.0);
    all.sort_by(|a, b| {
        let open = b.concurrency.total_cmp(&a.concurrency);
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
