//! The workspace root package holds no code: its tests are the files in tests/.
