//! What a database role may do beyond reading. A session of ours is read-only, but only the grants of its
//! role keep it so whatever a statement says.

/// The rights of the role behind a source's connections.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Privileges {
    /// The role's name as the server knows it; empty where there are no roles.
    pub role: String,
    /// Everything it may do beyond reading, as phrases that follow "may"; empty for a role that only reads.
    pub beyond_reading: Vec<String>,
}
