//! The tables of a program that was built without Parquet: it says how to get it.

use ragdoll_score::CaseFolder;

use crate::error::DatasetError;
use crate::parts::Parts;

/// Whether tables can be written at all.
///
/// # Errors
/// Always, with the feature that is missing.
pub(crate) fn check() -> Result<(), DatasetError> {
    Err(DatasetError::LeftOut)
}

/// Writes all tables of a case.
pub(crate) fn write(_: &CaseFolder, _: &Parts) -> Result<(), DatasetError> {
    check()
}
