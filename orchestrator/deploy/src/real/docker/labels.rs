//! The marks by which everything that a run has on the engine is found again, and whose it is.

use procfs::process::{ProcState, Process};

/// On everything that is ragdoll's.
pub(crate) const OURS: &str = "dev.ragdoll";
/// Which run it belongs to.
pub(crate) const RUN: &str = "dev.ragdoll.run";
/// Which process looks after it.
pub(crate) const OWNER: &str = "dev.ragdoll.owner";
/// Which instance a container is.
pub(crate) const INSTANCE: &str = "dev.ragdoll.instance";

/// A process, told apart from every other that ever had its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    /// One start of one machine, and a namespace of process ids there.
    place: String,
    pid: i32,
    /// When the process was started, in ticks since the machine was.
    started: u64,
}

impl Owner {
    /// None where the kernel does not tell.
    pub(crate) fn this_process() -> Option<Owner> {
        let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        let namespace = std::fs::read_link("/proc/self/ns/pid").ok()?;
        let process = Process::myself().ok()?;
        Some(Owner {
            place: format!("{}/{}", boot.trim(), namespace.display()),
            pid: process.pid,
            started: process.stat().ok()?.starttime,
        })
    }

    pub(crate) fn label(&self) -> String {
        format!("{}/{}/{}", self.place, self.pid, self.started)
    }

    fn parse(label: &str) -> Option<Owner> {
        let mut parts = label.rsplitn(3, '/');
        let started = parts.next()?.parse().ok()?;
        let pid = parts.next()?.parse().ok()?;
        Some(Owner {
            place: parts.next()?.to_owned(),
            pid,
            started,
        })
    }

    /// Whether the process of this label is known to have ended. One of another machine, or of
    /// another container with this engine, cannot be known.
    pub(crate) fn has_ended(label: &str, here: &Owner) -> bool {
        let Some(owner) = Owner::parse(label).filter(|owner| owner.place == here.place) else {
            return false;
        };
        let stat = Process::new(owner.pid).and_then(|process| process.stat());
        match stat {
            Ok(stat) => {
                let is_zombie = matches!(stat.state(), Ok(ProcState::Zombie | ProcState::Dead));
                stat.starttime != owner.started || is_zombie
            }
            Err(procfs::ProcError::NotFound(_)) => true,
            Err(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn here() -> Owner {
        Owner::this_process().expect("this kernel tells")
    }

    #[test]
    fn a_label_names_its_process() {
        let here = here();
        assert_eq!(Owner::parse(&here.label()), Some(here));
        for label in ["", "a/b", "a/b/c/d", "1/2"] {
            assert_eq!(Owner::parse(label), None, "{label}");
        }
    }

    #[test]
    fn only_processes_of_this_place_that_ended_are_known_to_have() {
        let here = here();
        let ended = |owner: Owner| Owner::has_ended(&owner.label(), &here);
        assert!(!ended(here.clone()), "this process runs");
        let earlier = here.started - 1;
        assert!(
            ended(Owner {
                started: earlier,
                ..here.clone()
            }),
            "the id is another's now"
        );
        // Above the highest id that the kernel gives.
        let pid = i32::MAX;
        assert!(ended(Owner {
            pid,
            ..here.clone()
        }));
        let place = "another machine".to_owned();
        assert!(!ended(Owner {
            place,
            pid,
            ..here.clone()
        }));
        assert!(!Owner::has_ended("no label", &here));
    }
}
