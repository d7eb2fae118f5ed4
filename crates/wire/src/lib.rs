//! Bytes to types and back for NVGRE and what it carries: views, writers, checksums, FrameBuf, ids. no_std, no unsafe.
