// Copyright the Understudy developers. MIT licence.
#include "UnderstudyBotComponent.h"

#include "Engine/World.h"
#include "GameFramework/Actor.h"
#include "UnderstudySubsystem.h"
#include "understudy.h"

void UUnderstudyBotComponent::BeginPlay()
{
	Super::BeginPlay();
	if (UUnderstudySubsystem* Subsystem = GetWorld()->GetSubsystem<UUnderstudySubsystem>())
	{
		Subsystem->Add(*this);
	}
}

void UUnderstudyBotComponent::EndPlay(const EEndPlayReason::Type Reason)
{
	if (UUnderstudySubsystem* Subsystem = GetWorld()->GetSubsystem<UUnderstudySubsystem>())
	{
		Subsystem->Remove(*this);
	}
	Super::EndPlay(Reason);
}

void UUnderstudyBotComponent::Sense(const us_rays& Rays, float* Reading) const
{
	const AActor* Owner = GetOwner();
	const FVector Start = Owner->GetActorLocation() + Eyes;
	FCollisionQueryParams Params(SCENE_QUERY_STAT(UnderstudyRay), false, Owner);
	for (uint32 Ray = 0; Ray < Rays.count; ++Ray, Reading += 1 + Rays.num_types)
	{
		// Unreal's yaw grows to the right, as the table's angles do.
		const FRotator Direction(0.0, Owner->GetActorRotation().Yaw + Rays.angles[Ray], 0.0);
		const FVector End = Start + Direction.Vector() * Rays.reach * UnitSize;
		FHitResult Hit;
		const bool bMet = GetWorld()->LineTraceSingleByChannel(Hit, Start, End, RayChannel, Params);
		FMemory::Memzero(Reading, (1 + Rays.num_types) * sizeof(float));
		Reading[0] = bMet ? static_cast<float>(Hit.Distance) / UnitSize : static_cast<float>(Rays.reach);
		if (bMet && Rays.num_types > 0)
		{
			Reading[1] = 1.0f;
		}
	}
}
