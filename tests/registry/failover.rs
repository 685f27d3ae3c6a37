//! A synchronous standby takes over.
