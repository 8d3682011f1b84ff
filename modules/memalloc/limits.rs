// SPDX-License-Identifier: GPL-2.0
//! How much may be handed out.

use kernel::prelude::*;

use crate::uapi::memalloc::{
    PAGES_LIMIT,
    REQUESTS_LIMIT, //
};

/// Why a request can't be had.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Refusal {
    /// There would be more than [`PAGES_LIMIT`] pages.
    Pages,
    /// There would be more than [`REQUESTS_LIMIT`] requests.
    Requests,
}

/// How much is handed out: what lives, and what is just being mapped.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(crate) struct Usage {
    pub(crate) pages: u64,
    pub(crate) requests: u64,
}

impl Usage {
    /// With `pages` more pages in one more request.
    pub(crate) fn with(self, pages: u64) -> Result<Self, Refusal> {
        let pages = self.pages.saturating_add(pages);
        let requests = self.requests + 1;
        if pages > PAGES_LIMIT {
            Err(Refusal::Pages)
        } else if requests > REQUESTS_LIMIT {
            Err(Refusal::Requests)
        } else {
            Ok(Self { pages, requests })
        }
    }
}

#[kunit_tests(memalloc_limits)]
mod tests {
    use super::*;

    #[test]
    fn the_last_page_and_the_last_request_can_be_had() {
        let almost = Usage {
            pages: PAGES_LIMIT - 1,
            requests: REQUESTS_LIMIT - 1,
        };
        assert_eq!(
            almost.with(1),
            Ok(Usage {
                pages: PAGES_LIMIT,
                requests: REQUESTS_LIMIT
            })
        );
    }

    #[test]
    fn one_page_or_one_request_more_is_refused_for_its_own_reason() {
        let pages = Usage {
            pages: PAGES_LIMIT,
            requests: 1,
        };
        assert_eq!(pages.with(1), Err(Refusal::Pages));
        let requests = Usage {
            pages: 1,
            requests: REQUESTS_LIMIT,
        };
        assert_eq!(requests.with(1), Err(Refusal::Requests));
        assert_eq!(Usage::default().with(u64::MAX), Err(Refusal::Pages));
    }

    #[test]
    fn a_page_that_is_counted_already_needs_only_a_request() {
        let pages = Usage {
            pages: PAGES_LIMIT,
            requests: 1,
        };
        assert_eq!(
            pages.with(0),
            Ok(Usage {
                pages: PAGES_LIMIT,
                requests: 2
            })
        );
    }
}
