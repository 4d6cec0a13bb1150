// Copyright the Understudy developers. MIT licence.
#pragma once

#include "Components/ActorComponent.h"
#include "CoreMinimal.h"
#include "UnderstudyBotComponent.generated.h"

// What a bot does, by the names in the bundle's spec.
USTRUCT(BlueprintType)
struct FUnderstudyAction
{
	GENERATED_BODY()

	// The first number of each part: of a box its first number, the choice of a discrete part, or 1 if the first button
	// is held.
	UPROPERTY(BlueprintReadOnly, Category = "Understudy")
	TMap<FName, float> First;

	// Whether these are fallbacks, since the answer was late.
	UPROPERTY(BlueprintReadOnly, Category = "Understudy")
	bool bLate = false;
};

DECLARE_DYNAMIC_MULTICAST_DELEGATE_OneParam(FUnderstudyDecided, const FUnderstudyAction&, Action);

// Lets a served bot play its actor: senses by line traces along the bundle's ray table, and says what was decided.
UCLASS(ClassGroup = (AI), meta = (BlueprintSpawnableComponent))
class UNDERSTUDYBOTS_API UUnderstudyBotComponent : public UActorComponent
{
	GENERATED_BODY()

public:
	// Bound to what moves the actor: a turn in degrees to the right, a pace, buttons.
	UPROPERTY(BlueprintAssignable, Category = "Understudy")
	FUnderstudyDecided OnDecided;

	// What the rays meet.
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "Understudy")
	TEnumAsByte<ECollisionChannel> RayChannel = ECC_Visibility;

	// Unreal's centimetres in one unit of the bundle's ray table: 100 if that is in metres.
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "Understudy")
	float UnitSize = 100.0f;

	// Where the rays start, from the actor's own place.
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "Understudy")
	FVector Eyes = FVector(0, 0, 60);

	// Of the bot's noise stream: the same seed and the same senses give the same bot.
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "Understudy")
	int64 Seed = 0;

	// The number under which the server knows it; given by the subsystem.
	uint32 Bot = 0;

	// Write a ray fan's reading: for each ray its distance, and 1 at the first type if something was met.
	virtual void Sense(const struct us_rays& Rays, float* Reading) const;

protected:
	virtual void BeginPlay() override;
	virtual void EndPlay(const EEndPlayReason::Type Reason) override;
};
