//! Signed tokens: `base64url(claims).base64url(HMAC-SHA256 of it)`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Claims {
    /// Who.
    pub user: String,
    /// `free`, `pro`, …
    pub tier: String,
    /// Until when, in seconds since the Unix epoch.
    pub expires: u64,
}

/// Signs claims.
pub(crate) fn mint_token(secret: &str, claims: &Claims) -> String {
    // Three plain fields: writing them as JSON cannot fail.
    let body = URL_SAFE_NO_PAD.encode(serde_json::to_vec(claims).unwrap_or_default());
    let signature = URL_SAFE_NO_PAD.encode(signer(secret, &body).finalize().into_bytes());
    format!("{body}.{signature}")
}

/// Checks signature and expiry.
///
/// # Errors
/// What is wrong with the token, in words.
pub(crate) fn verify_token(secret: &str, token: &str, now_seconds: u64) -> Result<Claims, String> {
    let (body, signature) = token.split_once('.').ok_or("the token has no signature")?;
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| "the signature is not base64url")?;
    // Compares in constant time.
    signer(secret, body).verify_slice(&signature).map_err(|_| "the signature does not fit")?;
    let claims = URL_SAFE_NO_PAD.decode(body).map_err(|_| "the claims are not base64url")?;
    let claims: Claims =
        serde_json::from_slice(&claims).map_err(|error| format!("the claims cannot be read: {error}"))?;
    if claims.expires <= now_seconds { Err("the token has expired".to_owned()) } else { Ok(claims) }
}

fn signer(secret: &str, body: &str) -> Hmac<Sha256> {
    let mut signer = Hmac::<Sha256>::new_from_slice(secret.as_bytes())
        .unwrap_or_else(|_| unreachable!("HMAC takes keys of any length"));
    signer.update(body.as_bytes());
    signer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_verify_until_they_expire_and_only_with_their_secret() {
        let claims = Claims { user: "ada".into(), tier: "pro".into(), expires: 100 };
        let token = mint_token("secret", &claims);
        assert_eq!(verify_token("secret", &token, 99), Ok(claims));
        assert!(verify_token("secret", &token, 100).unwrap_err().contains("expired"));
        assert!(verify_token("other", &token, 99).is_err());
        let (body, signature) = token.split_once('.').expect("two parts");
        assert!(verify_token("secret", &format!("{body}x.{signature}"), 99).is_err());
        assert!(verify_token("secret", "nonsense", 99).is_err());
    }
}
