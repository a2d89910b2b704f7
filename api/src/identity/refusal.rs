/// Why a token vouches for nobody. No message holds anything of the token; callers are told none of them, the log and
/// a counter are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TokenRefusal {
    #[error("the token is too long")]
    TooLong,
    #[error("the token is no compact JWS")]
    Form,
    #[error("the token's header is not what was expected")]
    Header,
    #[error("the token is for something else than access")]
    Type,
    #[error("the token's header is critical of what is not understood")]
    Critical,
    #[error("the token is signed by an algorithm that is not allowed")]
    Algorithm,
    #[error("the token names no key")]
    NoKeyId,
    #[error("the token names a key that the provider has not published")]
    UnknownKey,
    #[error("the token names a key for another algorithm")]
    OtherAlgorithm,
    #[error("the token's signature is wrong")]
    Signature,
    #[error("the token's claims are not what was expected")]
    Claims,
    #[error("the token is of another issuer")]
    Issuer,
    #[error("the token is for another audience")]
    Audience,
    #[error("the token does not say when it expires")]
    NoExpiry,
    #[error("the token has expired")]
    Expired,
    #[error("the token is not valid yet")]
    NotYet,
    #[error("the token names no user")]
    NoUser,
}
