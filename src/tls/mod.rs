//! Roots of trust shared by the gateway link and the databases.
