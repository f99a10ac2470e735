//! Report and directory files: bytes to rows, rows to jobs and rejections.

pub mod directory;
