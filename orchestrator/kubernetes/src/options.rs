use crate::dns_label::is_dns_label;
use crate::error::ExportError;

/// Name of the image where none is given.
pub const DEFAULT_IMAGE: &str = "ragdoll:dev";

/// What an experiment is exported as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Namespace of everything, which then is one of the manifests; the namespace that `kubectl`
    /// is set to unless given.
    pub namespace: Option<String>,
    /// Image with the programs `ragdoll` and `ragdoll-service`.
    pub image: String,
    /// Many seeds on the virtual ground, in place of the system and its load.
    pub sweep: Option<Sweep>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            namespace: None,
            image: DEFAULT_IMAGE.to_owned(),
            sweep: None,
        }
    }
}

/// Many seeds of one experiment, split over pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sweep {
    /// Seeds, counted up from the experiment's own.
    pub seeds: u64,
    /// Pods that share them, all at once; from 1 to `seeds`.
    pub parts: u32,
}

impl Options {
    pub(crate) fn check(&self) -> Result<(), ExportError> {
        if let Some(namespace) = &self.namespace
            && !is_dns_label(namespace)
        {
            return Err(ExportError::Namespace(namespace.clone()));
        }
        if !is_image(&self.image) {
            return Err(ExportError::Image(self.image.clone()));
        }
        match self.sweep {
            Some(Sweep { seeds, parts }) if parts == 0 || u64::from(parts) > seeds => {
                Err(ExportError::Parts { parts, seeds })
            }
            _ => Ok(()),
        }
    }
}

/// Whether this may be a reference to an image. What it refers to is for the cluster to find out.
fn is_image(image: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-/:@+".contains(c);
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    edge(image.chars().next()) && edge(image.chars().last()) && image.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_a_reference() {
        for image in [
            "ragdoll",
            "ragdoll:latest",
            "localhost:5000/ragdoll",
            "registry.example.org/team/ragdoll@sha256:0123abc",
        ] {
            assert!(is_image(image), "{image}");
        }
        for image in ["", " ", "-x", "ragdoll:", "rag doll", "ragdoll\n", "a,b"] {
            assert!(!is_image(image), "{image:?}");
        }
    }
}
