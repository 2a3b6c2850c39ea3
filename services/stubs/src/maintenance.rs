//! Maintenance of an index: it takes the write lock as any writer does, and keeps it until it is done.

use std::sync::Arc;

use ragdoll_resources::Instance;
use tokio::sync::{RwLock, watch};

/// Has `index` locked for as long as the instance's overrides say so. The lock is fair: maintenance
/// waits for the searches before it, and those after it wait for maintenance.
pub(crate) fn maintain<T>(instance: &Arc<Instance>, index: &Arc<RwLock<T>>)
where
    T: Send + Sync + 'static,
{
    let (state, _) = watch::channel(false);
    let index = index.clone();
    instance.controls.on_change(move |overrides| {
        let wanted = overrides.index_locked == Some(true);
        let changed = state.send_if_modified(|locked| std::mem::replace(locked, wanted) != wanted);
        if !(changed && wanted) {
            return;
        }
        let (index, mut locked) = (index.clone(), state.subscribe());
        tokio::spawn(async move {
            let _writing = index.write().await;
            // The sender lives as long as the instance: an error means that nobody is left to serve.
            let _ = locked.wait_for(|locked| !locked).await;
        });
    });
}

#[cfg(test)]
mod tests {
    use ragdoll_model::Service;
    use ragdoll_resources::testing::Bench;
    use ragdoll_runtime::{Overrides, run_virtual};

    use super::*;

    #[test]
    fn searches_wait_while_the_index_is_maintained_and_go_on_afterwards() {
        run_virtual(|clock| async move {
            let bench = Bench::new(&clock, Service::SHARD, 1);
            let index = Arc::new(RwLock::new(()));
            maintain(&bench.instance, &index);
            let search = index.read().await;
            let handle = bench.instance.controls.apply(Overrides {
                index_locked: Some(true),
                ..Overrides::default()
            });
            clock.sleep_us(10).await;
            assert!(index.try_read().is_err(), "maintenance is next");
            drop(search);
            clock.sleep_us(10).await;
            assert!(index.try_read().is_err(), "maintenance is at work");
            bench.instance.controls.revert(handle);
            drop(index.read().await);
            assert_eq!(clock.now_us(), 20);
            clock.sleep_us(10).await;
            assert!(index.try_write().is_ok(), "nobody has it any more");
        });
    }
}
