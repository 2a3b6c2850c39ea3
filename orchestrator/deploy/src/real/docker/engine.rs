//! The container engine of this machine: whether it is there, and what it says in words.

use std::error::Error;

use ragdoll_runtime::Clock;
use testcontainers::bollard::Docker;
use testcontainers::bollard::errors::Error as EngineError;
use testcontainers::core::client::docker_client_instance;

use super::super::fleet::GroundError;

/// How long the engine may take to say that it is there.
const PING_US: u64 = 10_000_000;
/// What to do where no engine answers.
const START_ENGINE: &str = "start Docker, see to it that this user may use its socket (group `docker`), or name \
     another with DOCKER_HOST; `docker version` has to answer";

/// Asks the engine that `DOCKER_HOST` names, else the one at the usual socket, whether it is there.
pub(crate) async fn connect(clock: &Clock) -> Result<Docker, GroundError> {
    let absent = |why: String| blocked("containers", why, START_ENGINE);
    let docker = docker_client_instance().await;
    let docker = docker.map_err(|error| absent(root_of(&error)))?;
    match clock.timeout_us(PING_US, docker.ping()).await {
        Ok(Ok(_)) => Ok(docker),
        Ok(Err(error)) => Err(absent(in_words(&error))),
        Err(_) => {
            let why = format!(
                "the engine does not answer within {} s",
                PING_US / 1_000_000
            );
            Err(absent(why))
        }
    }
}

/// Whether the engine has the image: nothing is pulled, so that a run needs no network and takes
/// the image that was built.
pub(crate) async fn check_image(docker: &Docker, image: &str) -> Result<(), GroundError> {
    let what = format!("containers of the image `{image}`");
    match docker.inspect_image(image).await {
        Ok(_) => Ok(()),
        Err(error) if status_of(&error) == Some(404) => Err(blocked(
            &what,
            "the engine has no such image, and none is pulled".to_owned(),
            "build it with `compose/base-image.sh && compose/build-image.sh`, or name another with \
             --image",
        )),
        Err(error) => Err(blocked(
            &what,
            in_words(&error),
            "name an image as NAME:TAG with --image",
        )),
    }
}

pub(crate) fn blocked(what: &str, why: String, fix: &str) -> GroundError {
    GroundError::Start {
        what: what.to_owned(),
        why,
        fix: fix.to_owned(),
    }
}

/// HTTP status of the engine's answer, where there was one.
pub(crate) fn status_of(error: &EngineError) -> Option<u16> {
    match error {
        EngineError::DockerResponseServerError { status_code, .. } => Some(*status_code),
        _ => None,
    }
}

pub(crate) fn in_words(error: &EngineError) -> String {
    match error {
        EngineError::DockerResponseServerError { message, .. } => message.trim().to_owned(),
        other => root_of(other),
    }
}

/// The innermost cause says most: the outer ones only say that a request failed. Where an error
/// speaks for its cause it says the same.
pub(crate) fn root_of(error: &dyn Error) -> String {
    let mut root = error;
    while let Some(cause) = root.source() {
        root = cause;
    }
    root.to_string()
}
