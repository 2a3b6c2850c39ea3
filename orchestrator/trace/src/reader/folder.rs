//! Reading of folders.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::Reader;
use crate::read_error::InputError;

/// How deep folders are looked into, since links can make them endless.
const MAX_DEPTH: usize = 16;

impl Reader {
    pub(super) fn read_folder(&mut self, path: &Path) -> Result<(), InputError> {
        let first = self.report.sources.len();
        let files = self.files_of(path, 0).map_err(|source| InputError::Open {
            path: path.to_owned(),
            source,
        })?;
        for file in &files {
            // A file that cannot be read is in the report, and the others are read.
            let _ = self.read_file(file);
        }
        let of_folder = &self.report.sources[first..];
        if of_folder.iter().all(|source| source.format.is_none()) {
            return Err(InputError::NothingInFolder {
                path: path.to_owned(),
                files: files.len(),
            });
        }
        Ok(())
    }

    /// The files in and below a folder, in the order of their names.
    fn files_of(&mut self, folder: &Path, depth: usize) -> io::Result<Vec<PathBuf>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(folder)? {
            names.push(entry?.file_name());
        }
        names.sort_unstable();
        let mut files = Vec::new();
        for name in names {
            let path = folder.join(&name);
            if name.as_encoded_bytes().starts_with(b".") {
                self.skip(&path, "its name begins with a dot".to_owned());
            } else if !path.is_dir() {
                files.push(path);
            } else if depth == MAX_DEPTH {
                self.skip(&path, format!("it is more than {MAX_DEPTH} folders deep"));
            } else {
                match self.files_of(&path, depth + 1) {
                    Ok(below) => files.extend(below),
                    Err(error) => self.skip(&path, format!("it cannot be opened: {error}")),
                }
            }
        }
        Ok(files)
    }
}
