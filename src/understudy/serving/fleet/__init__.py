"""Bundles for other people's servers: where one machine is not enough, engines that exist do the scaling."""
