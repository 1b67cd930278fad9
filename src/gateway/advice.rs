//! What somebody can do, where several ends of a session have the same remedy.

/// The gateway refuses who we are, or does not find it.
pub const CREDENTIALS: &str = "compare SEMILAYER_RUNNER_ID and SEMILAYER_RUNNER_TOKEN with the Console; if they \
     are right, this gateway may want them under other names: `doctor --connect` tries the usual ones, \
     SEMILAYER_TOKEN_PARAM, SEMILAYER_ID_PARAM and SEMILAYER_TOKEN_HEADER=1 set them";

/// A proxy wants to know who we are.
pub const PROXY_USER: &str =
    "put user and password into HTTPS_PROXY: http://user:password@host:port";

/// Something answers, but not a gateway.
pub const NO_GATEWAY: &str = "check SEMILAYER_GATEWAY_URL: what answers there is no runner gateway";
