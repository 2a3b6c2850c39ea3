//! The experiments are the `*.toml` files of this folder; the tests beside them run each and check
//! that it ends as it should.
