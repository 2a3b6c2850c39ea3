//! Folders and files, with errors that name them.

use std::fs;
use std::path::Path;

use crate::error::DatasetError;

pub(crate) fn create_folder(path: &Path) -> Result<(), DatasetError> {
    fs::create_dir_all(path).map_err(|source| DatasetError::Write {
        path: path.to_owned(),
        source,
    })
}

pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), DatasetError> {
    fs::write(path, bytes).map_err(|source| DatasetError::Write {
        path: path.to_owned(),
        source,
    })
}
