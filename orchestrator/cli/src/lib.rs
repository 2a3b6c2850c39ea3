//! Nothing: the program is `main.rs`. A package without a library cannot switch its own features on for its
//! tests.
